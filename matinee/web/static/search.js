// Search while typing. On the search page the results replace those of the page; on all other pages
// they open in a panel below the search box, over the page.

const field = document.getElementById("q");
const form = field.form;
const said = document.getElementById("n-found");
const isSearchPage = location.pathname === "/search";
const panel = document.createElement("div");
const isInside = (element) => form.contains(element) || panel.contains(element);
const SHOWN = 8;
let timer, latest = 0;

if (!isSearchPage) {
  Object.assign(panel, { id: "found", className: "found-panel", hidden: true });
  form.closest("header").after(panel);
}

// The panel is fixed below the header, or lies on the page in a low window, where the header scrolls away.
function open() {
  panel.hidden = false;
  const { bottom } = form.closest("header").getBoundingClientRect();
  const isFixed = getComputedStyle(panel).position === "fixed";
  panel.style.top = `${Math.max(bottom, 0) + (isFixed ? 0 : scrollY) + 6}px`;
}

function close() {
  latest++;
  panel.hidden = true;
}

async function search() {
  const text = field.value.trim();
  const request = ++latest;
  if (!text && !isSearchPage) { close(); return; }
  const query = new URLSearchParams({ q: text });
  const address = `/search?${query}`;
  if (!isSearchPage) query.set("page_size", SHOWN);
  try {
    const response = await fetch(`/search?${query}`, { headers: { "X-Part": "page", Accept: "text/html" } });
    const html = await response.text();
    if (request !== latest || !response.ok) return;
    const found = new DOMParser().parseFromString(html, "text/html").querySelector("[data-part=found]");
    said.textContent = found.dataset.said;
    if (isSearchPage) {
      document.querySelector("[data-part=found]").replaceWith(document.adoptNode(found));
      history.replaceState(null, "", address);
      return;
    }
    panel.replaceChildren(...found.childNodes);
    panel.querySelector(".list-filters")?.remove();
    panel.querySelector(".pager")?.remove();
    panel.scrollTop = 0;
    open();
  } catch {
    document.querySelector("p.offline").hidden = false;
  }
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 120);
});

document.addEventListener("keydown", (event) => {
  if (panel.hidden || !isInside(event.target)) return;
  if (event.key === "Escape") {
    event.preventDefault();
    close();
    field.focus();
  } else if (event.key === "ArrowDown" && event.target === field) {
    event.preventDefault();
    panel.querySelector("a")?.focus();
  }
});

// The panel closes when the focus or a click goes elsewhere. Buttons in it may lose the focus to the page.
document.addEventListener("focusout", ({ target, relatedTarget }) => {
  if (relatedTarget && isInside(target) && !isInside(relatedTarget) && !relatedTarget.closest(".told")) close();
});
document.addEventListener("pointerdown", ({ target }) => {
  if (!isInside(target) && !target.closest(".told")) close();
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  event.preventDefault();
  field.focus();
  field.select();
});
