// Enhances the pages. Every form also works without this file, by loading the next page.
//
// A form about a film is sent with the header X-Part. The response is the whole page that contains
// the form, in its new state; each open element with a data-part is replaced by the one with the
// same data-part in the response. Changes are sent one at a time and in order, so the last one
// wins. Changes that cannot reach the server wait and are sent again.

const texts = JSON.parse(document.body.dataset.texts);
const toast = document.querySelector(".told");
const offline = document.querySelector("p.offline");

const fillIn = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const parse = (html) => new DOMParser().parseFromString(html, "text/html");

// -- messages at the bottom of the window -------------------------------------------------------------------------------

let toastTimer;

function showToast(text, actionName = "", action = null) {
  const box = document.createElement("p");
  box.append(text);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = actionName;
    button.addEventListener("click", () => { toast.replaceChildren(); action(); });
    box.append(button);
  }
  toast.replaceChildren(box);
  clearTimeout(toastTimer);
  if (action && actionName !== texts.undo) return; // stays until it is clicked or replaced
  toastTimer = setTimeout(() => toast.replaceChildren(), action ? 8000 : 3500);
}

// -- updating parts of the page ---------------------------------------------------------------------------------------

// The focused element, described so that it can be found again after its card was replaced.
function describeFocus(element) {
  const card = element?.closest("[data-film]");
  if (!card || !element.closest("[data-part], #grid")) return null;
  const cards = [...document.querySelectorAll("li.card")];
  return { film: card.dataset.film, row: cards.indexOf(element.closest("li.card")) };
}

function restoreFocus(focus) {
  const films = [...document.querySelectorAll("[data-film]")];
  const sameFilm = films.find((element) => element.dataset.film === focus.film);
  const cards = document.querySelectorAll("li.card");
  const card = sameFilm ?? cards[Math.min(focus.row, cards.length - 1)];
  const selector = sameFilm ? "input:checked, input[type=radio], button, a" : "a";
  card?.querySelector(selector)?.focus({ preventScroll: Boolean(sameFilm) });
}

function updatePage(html) {
  const page = parse(html);
  const active = document.activeElement, focus = describeFocus(active);
  for (const part of document.querySelectorAll("[data-part]")) {
    const newPart = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (newPart) updatePart(part, document.adoptNode(newPart));
  }
  if (focus && document.activeElement !== active) {
    if (active.isConnected) active.focus({ preventScroll: true }); // its card was moved
    else restoreFocus(focus);
  }
  return page;
}

// Replaces a part of the page. In a list of films, cards that are open already stay and only their
// predictions are updated: drawing cards is slow, and the focus must not be lost. For these cards
// the server sends nothing else (data-held). If one of them is not open after all, the list is
// loaded again as a whole.
function updatePart(part, newPart) {
  const [list, newList] = [part, newPart].map((element) => element.querySelector("#list"));
  if (!list || !newList) { part.replaceWith(newPart); return; }
  const openCards = [...part.querySelectorAll("li.card:not([data-held])")];
  const cardOf = new Map(openCards.map((card) => [card.dataset.film, card]));
  const reuse = (newCard) => {
    const card = cardOf.get(newCard.dataset.film);
    if (card) updatePrediction(card, newCard);
    return card ?? newCard;
  };
  for (const card of newPart.querySelectorAll(".row li.card")) card.replaceWith(reuse(card));
  reorder(list, [...newList.children].map(reuse));
  for (const node of [...part.childNodes]) if (node !== list) node.remove();
  const nodes = [...newPart.childNodes];
  list.before(...nodes.slice(0, nodes.indexOf(newList)));
  list.after(...nodes.slice(nodes.indexOf(newList) + 1));
  part.dataset.back = newPart.dataset.back;
  if (part.querySelector("li[data-held]")) load(part.dataset.back);
}

function updatePrediction(card, newCard) {
  const find = (element) => [...element.querySelectorAll(".predicted, .why")];
  const old = find(card), current = find(newCard);
  const html = (elements) => elements.map((element) => element.outerHTML).join();
  if (html(old) === html(current)) return;
  for (const element of old) element.remove();
  card.querySelector(".said").prepend(...current);
}

// Makes the list consist of these cards in this order, without touching those in the right place.
function reorder(list, cards) {
  for (const card of [...list.children]) if (!cards.includes(card)) card.remove();
  let next = list.firstElementChild;
  for (const card of cards) {
    if (next && next !== card && next.nextElementSibling === card) {
      next.remove(); // it belongs further down and is inserted there later
      next = card;
    }
    if (next === card) next = next.nextElementSibling;
    else list.insertBefore(card, next);
  }
}

// -- the queue of changes -----------------------------------------------------------------------------------------------

const queue = [];
let isSending = false;

function enqueueChange(form, button, onSuccess) {
  const body = new URLSearchParams(new FormData(form));
  if (button?.name) body.set(button.name, button.value);
  const name = form.dataset.name ?? "";
  const address = button?.getAttribute("formaction") ?? form.getAttribute("action");
  const film = body.get("item_id");
  // A new change to a film replaces one that has not been sent yet.
  const isReplaced = (change, index) => change.film === film && !(index === 0 && isSending);
  const replaced = queue.findIndex(isReplaced);
  if (replaced >= 0) queue.splice(replaced, 1);
  queue.push({ address, body, name, film, form, onSuccess });
  return sendQueue();
}

async function sendQueue() {
  if (isSending || !queue.length) return;
  isSending = true;
  try {
    while (queue.length) {
      const change = queue[0];
      addOpenFilms(change.body);
      change.form.setAttribute("aria-busy", "true");
      const headers = { "X-Part": "page", Accept: "text/html" };
      const response = await fetch(change.address, { method: "POST", body: change.body, headers });
      const html = await response.text();
      change.form.removeAttribute("aria-busy");
      queue.shift();
      offline.hidden = true;
      if (!response.ok) { showToast(fillIn(texts.failed, { reason: errorIn(html) })); continue; }
      // While more changes wait, the page is not updated: the response does not contain them yet.
      const page = queue.length ? parse(html) : updatePage(html);
      change.onSuccess?.(page, change);
    }
  } catch {
    queue[0]?.form.removeAttribute("aria-busy");
    offline.hidden = false;
    const message = fillIn(queue.length === 1 ? texts.one_waits : texts.many_wait, { n: queue.length });
    showToast(message, texts.retry, sendQueue);
    setTimeout(sendQueue, 5000);
  } finally {
    isSending = false;
  }
}

function errorIn(html) {
  const message = parse(html).querySelector(".state .lead")?.textContent;
  if (message) return message;
  try { return JSON.parse(html).detail; } catch { return ""; }
}

globalThis.addEventListener("online", sendQueue);
globalThis.addEventListener("offline", () => { offline.hidden = false; });
globalThis.addEventListener("online", () => { offline.hidden = queue.length === 0; });
globalThis.addEventListener("beforeunload", (event) => { if (queue.length) event.preventDefault(); });

// -- rating: sent at once on a click or tap; with the keyboard, on Enter or when the focus leaves the stars --------------

let usesKeyboard = false;
const unsentForms = new Set();

document.addEventListener("keydown", (event) => {
  usesKeyboard = true;
  const form = event.target.closest?.("form.rating");
  if (!form || !event.target.matches("input[type=radio]")) return;
  if (event.key === "Enter" || (event.key === " " && event.target.checked)) {
    event.preventDefault();
    unsentForms.delete(form);
    if (form.querySelector("input:checked")) rate(form);
  }
});
document.addEventListener("pointerdown", () => { usesKeyboard = false; }, true);

// Escape closes the message at the bottom of the window, or else the filters if they have the focus.
document.addEventListener("keydown", (event) => {
  const filters = document.activeElement?.closest("details.filters[open]");
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (toast.firstChild && !queue.length) toast.replaceChildren();
  else if (filters) {
    filters.open = false;
    filters.querySelector("summary").focus();
  }
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form.rating");
  if (!form || !event.target.matches("input[type=radio]")) return;
  if (usesKeyboard) unsentForms.add(form);
  else rate(form);
});

document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.("form.rating");
  if (!form || !unsentForms.has(form)) return;
  if (form.querySelector("fieldset")?.contains(event.relatedTarget)) return;
  unsentForms.delete(form);
  rate(form);
});

function rate(form, button = null) {
  return enqueueChange(form, button, (page, { address, name }) => {
    showToast(fillIn(address === "/unrate" ? texts.removed : texts.saved, { name }));
    afterRating(form, page);
  });
}

// On the start page a rated card stays, so that the rating can be corrected, and another film is
// added at the end.
function afterRating(form, page) {
  const card = form.closest("li.card");
  card?.classList.add("given");
  card?.querySelector(".unseen-it")?.remove();
  grid()?.append(...newCards(page, grid()));
}

function newCards(page, list) {
  const films = new Set([...list.children].map((card) => card.dataset.film));
  return [...page.querySelectorAll("#grid > li")].filter((card) => !films.has(card.dataset.film));
}

const grid = () => document.getElementById("grid");
const listPart = () => document.querySelector("[data-part=list]");
const skippedFilms = () => new URLSearchParams(location.search).getAll("skip");

function openFilms() {
  const cards = [...document.querySelectorAll("#grid > li, [data-part=list] li.card")];
  return cards.map((card) => card.dataset.film);
}

// Adds the films that are open now. It is called when a change is sent, because earlier changes in
// the queue may have updated the page.
function addOpenFilms(body) {
  if (!grid() && !listPart()) return;
  body.set("back", listPart()?.dataset.back ?? "/");
  for (const name of ["shown", "skip"]) body.delete(name);
  for (const film of openFilms().slice(-400)) body.append("shown", film);
  for (const film of skippedFilms().slice(-400)) body.append("skip", film);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".rating")) {
    event.preventDefault();
    unsentForms.delete(form);
    rate(form, event.submitter);
  }
  if (form.matches(".hide-it")) { event.preventDefault(); hide(form); }
  if (form.matches(".unseen-it")) { event.preventDefault(); skip(form); }
  if (form.id === "filters") { event.preventDefault(); applyFilters(form); }
});

function hide(form) {
  const showButton = { name: "", value: "", getAttribute: () => "/show" };
  const undo = () => enqueueChange(form, showButton);
  return enqueueChange(form, null, (page, { name }) => {
    showToast(fillIn(texts.hidden, { name }), texts.undo, undo);
  });
}

// -- films not seen: another film replaces the card; the address remembers the skipped ones ------------------------------

async function skip(form) {
  const card = form.closest("li.card");
  const pageQuery = new URLSearchParams(location.search);
  pageQuery.append("skip", form.dataset.film);
  const query = new URLSearchParams(pageQuery);
  for (const film of openFilms().slice(-400)) query.append("shown", film);
  query.set("n", "1");
  try {
    const response = await fetch(`/?${query}`, { headers: { "X-Part": "page" } });
    const page = parse(await response.text());
    const [nextCard] = newCards(page, card.parentElement);
    history.replaceState(null, "", `/?${pageQuery}`);
    if (nextCard) {
      card.replaceWith(nextCard);
      nextCard.querySelector("a")?.focus({ preventScroll: true });
    } else card.remove();
  } catch {
    offline.hidden = false;
  }
}

// -- lists: each change of a filter loads a new list and changes the address ---------------------------------------------

let latestRequest = 0;

async function applyFilters(form) {
  if (!form.checkValidity()) return;
  const usual = (name) => form.elements[name].dataset?.usual ?? "0";
  const fields = [...new FormData(form)].filter(([name, value]) => value && Number(value) !== Number(usual(name)));
  const query = new URLSearchParams(fields);
  await load(`${form.getAttribute("action")}${query.size ? `?${query}` : ""}`);
}

// Updates the page from another address, unless a later request has started in the meantime.
async function load(address) {
  const request = ++latestRequest;
  const region = () => document.querySelector("[data-part=list], [data-part=found]");
  region()?.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { headers: { "X-Part": "page", Accept: "text/html" } });
    const html = await response.text();
    if (request !== latestRequest) return;
    if (response.ok) {
      updatePage(html);
      history.replaceState(null, "", address);
    } else showToast(errorIn(html));
    offline.hidden = true;
  } catch {
    if (request === latestRequest) offline.hidden = false;
  } finally {
    region()?.removeAttribute("aria-busy");
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("#filters");
  if (!form) return;
  if (event.target.type === "checkbox" && event.target.checked) {
    // A genre cannot be both included and excluded.
    for (const other of form.querySelectorAll("input[type=checkbox]:checked")) {
      if (other !== event.target && other.value === event.target.value) other.checked = false;
    }
  }
  applyFilters(form);
});
