// The films found for what is typed for a row appear below it at once; without this file, the next page shows them.

const rows = document.querySelector(".by-hand");
const { none, out, choice } = rows.dataset;
const timers = new Map();

function option(value, text) {
  return Object.assign(document.createElement("option"), { value, textContent: text });
}

async function find(input) {
  const box = input.parentElement, typed = input.value.trim(), row = input.name.slice(2);
  for (const old of box.querySelectorAll("select, small, [type=hidden]")) old.remove();
  if (!typed) return;
  const response = await fetch(`/api/v1/films?${new URLSearchParams({ q: typed, page_size: 8 })}`);
  if (!response.ok || input.value.trim() !== typed) return;
  const { films } = await response.json();
  for (const old of box.querySelectorAll("select, small, [type=hidden]")) old.remove();
  if (!films.length) {
    box.append(Object.assign(document.createElement("small"), { textContent: none, role: "status" }));
    return;
  }
  const select = Object.assign(document.createElement("select"), { name: `film-${row}` });
  const title = input.closest("li").querySelector("strong").textContent;
  select.setAttribute("aria-label", choice.replace("{title}", () => title));
  select.append(...films.map((film) => option(film.item_id, film.display_title)), option("", out));
  const found = Object.assign(document.createElement("input"), { type: "hidden", name: `found-${row}`, value: typed });
  box.append(found, select);
}

rows.addEventListener("input", (event) => {
  const input = event.target;
  if (input.type !== "search") return;
  clearTimeout(timers.get(input));
  timers.set(input, setTimeout(() => find(input).catch(() => {}), 200));
});

// What was typed before this file was loaded.
for (const input of rows.querySelectorAll("[type=search]")) if (input.value.trim()) find(input).catch(() => {});
