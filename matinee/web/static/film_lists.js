// Marks films without loading the page anew: on the watchlist, and "Haven't seen".

const texts = JSON.parse(document.body.dataset.texts);
const send = (address, film) => fetch(address, {
  method: "POST", body: new URLSearchParams({ item_id: film }), headers: { "X-Part": "none" }, keepalive: true,
});

// A button of the watchlist changes at once, and back if the server does not take it.
function show(form, isOn) {
  const button = form.querySelector("button"), { name } = button.dataset;
  form.setAttribute("action", `/watchlist/${isOn ? "remove" : "add"}`);
  button.textContent = isOn ? texts.watch_on : texts.watch_add;
  button.setAttribute("aria-label", (isOn ? texts.watch_on_of : texts.watch_add_of).replace("{name}", () => name));
}

async function watch(form) {
  const film = form.elements.item_id.value, address = form.getAttribute("action");
  const adds = address.endsWith("/add");
  const same = [...document.querySelectorAll("form.watch-it")].filter((one) => one.elements.item_id.value === film);
  for (const one of same) show(one, adds);
  let problem = "";
  try {
    const response = await send(address, film);
    if (!response.ok) problem = (await response.json()).detail;
  } catch {
    problem = texts.watch_failed;
  }
  if (!problem) return;
  for (const one of same) show(one, !adds);
  const box = document.createElement("p");
  box.textContent = problem;
  document.querySelector(".told").replaceChildren(box);
}

// Undo brings a card back that was put away as not seen.
const putAway = new Set();
const grid = document.getElementById("grid");
if (grid) {
  new MutationObserver((changes) => {
    for (const card of changes.flatMap((change) => [...change.addedNodes])) {
      if (putAway.delete(card.dataset?.film)) send("/not-seen/undo", card.dataset.film).catch(() => {});
    }
  }).observe(grid, { childList: true });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".watch-it")) {
    event.preventDefault();
    watch(form);
  } else if (form.matches(".unseen-it")) {
    const { film } = form.dataset;
    send("/not-seen", film).then(() => putAway.add(film), () => {});
  }
});
