// What pages do beyond links and forms. Every form here works without this file too, by loading the page anew.
//
// A form about a film is sent with the header X-Part and answered with its page as it is now; from that page come the
// elements with the same data-part as those that are open. Changes wait for one another, so that the last one counts,
// and those that do not reach the server wait until they do.

const texts = JSON.parse(document.body.dataset.texts);
const told = document.querySelector(".told");
const offline = document.querySelector("p.offline");

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

// -- what is said at the foot of the window ---------------------------------------------------------------------------

let silence;

function tell(text, name = "", act = null) {
  const box = document.createElement("p");
  box.append(text);
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => { told.replaceChildren(); act(); });
    box.append(button);
  }
  told.replaceChildren(box);
  clearTimeout(silence);
  if (!act || name === texts.undo) silence = setTimeout(() => told.replaceChildren(), act ? 8000 : 3500);
}

// -- parts of pages ---------------------------------------------------------------------------------------------------

// Where the keyboard is, in words that hold in another version of the page.
function placeOf(element) {
  const card = element?.closest("[data-film]");
  if (!card || !element.closest("[data-part], #grid")) return null;
  const cards = [...document.querySelectorAll("li.card")];
  return { film: card.dataset.film, tag: element.localName, row: cards.indexOf(element.closest("li.card")) };
}

function focusAt(place) {
  const same = [...document.querySelectorAll("[data-film]")].filter((one) => one.dataset.film === place.film);
  const cards = document.querySelectorAll("li.card");
  const card = same[0] ?? cards[Math.min(place.row, cards.length - 1)];
  const into = card?.querySelector(same[0] ? "input:checked, input[type=radio], button, a" : "a");
  into?.focus({ preventScroll: Boolean(same[0]) });
}

function swap(html) {
  const made = new DOMParser().parseFromString(html, "text/html");
  const active = document.activeElement, place = placeOf(active);
  for (const open of document.querySelectorAll("[data-part]")) {
    if (open.dataset.part === "found" && grid()) continue; // stays beside the films to rate
    const next = made.querySelector(`[data-part="${open.dataset.part}"]`);
    if (next) renew(open, document.adoptNode(next));
  }
  if (place && document.activeElement !== active) {
    if (active.isConnected) active.focus({ preventScroll: true }); // its card has moved
    else focusAt(place);
  }
  return made;
}

// A part of a page as it is now. In the list of films a card that is there already stays, and only what is said of its
// film is put in anew: to draw cards takes long, and who is in one stays in it. Nothing else comes of cards that the
// page was said to hold; should one of them be gone, the whole list is asked for.
function renew(open, next) {
  const [list, wanted] = [open, next].map((part) => part.querySelector("#list"));
  if (!list || !wanted) { open.replaceWith(next); return; }
  const drawn = [...open.querySelectorAll("li.card:not([data-held])")];
  const cards = new Map(drawn.map((card) => [card.dataset.film, card]));
  const stay = (card) => {
    const old = cards.get(card.dataset.film);
    if (old) sayAnew(old, card);
    return old ?? card;
  };
  for (const card of next.querySelectorAll(".row li.card")) card.replaceWith(stay(card));
  arrange(list, [...wanted.children].map(stay));
  for (const one of [...open.childNodes]) if (one !== list) one.remove();
  const nodes = [...next.childNodes];
  list.before(...nodes.slice(0, nodes.indexOf(wanted)));
  list.after(...nodes.slice(nodes.indexOf(wanted) + 1));
  open.dataset.back = next.dataset.back;
  if (open.querySelector("li[data-held]")) show(open.dataset.back);
}

function sayAnew(old, card) {
  const [before, now] = [old, card].map((one) => [...one.querySelectorAll(".predicted, .why")]);
  if (String(before.map((one) => one.outerHTML)) === String(now.map((one) => one.outerHTML))) return;
  for (const one of before) one.remove();
  old.querySelector(".said").prepend(...now);
}

// The cards of a list in their order; those that have their place already are not touched.
function arrange(list, cards) {
  for (const card of [...list.children]) if (!cards.includes(card)) card.remove();
  let at = list.firstElementChild;
  for (const card of cards) {
    if (at && at !== card && at.nextElementSibling === card) {
      at.remove(); // goes further down
      at = card;
    }
    if (at === card) at = at.nextElementSibling;
    else list.insertBefore(card, at);
  }
}

// -- changes: one after the other, and again when the server is back ----------------------------------------------------

const waiting = [];
let isSending = false;

function change(form, button, then) {
  const body = new URLSearchParams(new FormData(form));
  if (button?.name) body.set(button.name, button.value);
  const name = form.dataset.name ?? "";
  const address = button?.getAttribute("formaction") ?? form.getAttribute("action");
  const film = body.get("item_id");
  // Of several changes of one film that still wait only the last one counts.
  const old = waiting.findIndex((one, place) => one.film === film && !(place === 0 && isSending));
  if (old >= 0) waiting.splice(old, 1);
  waiting.push({ address, body, name, film, form, then });
  return send();
}

async function send() {
  if (isSending || !waiting.length) return;
  isSending = true;
  try {
    while (waiting.length) {
      const one = waiting[0];
      addOpen(one);
      one.form.setAttribute("aria-busy", "true");
      const headers = { "X-Part": "page", Accept: "text/html" };
      const answer = await fetch(one.address, { method: "POST", body: one.body, headers });
      const html = await answer.text();
      one.form.removeAttribute("aria-busy");
      waiting.shift();
      offline.hidden = true;
      if (!answer.ok) { tell(filled(texts.failed, { reason: reasonIn(html) })); continue; }
      // A change that waits may be of a card that is on the page: it would be drawn without it.
      const made = waiting.length ? null : swap(html);
      one.then?.(made ?? new DOMParser().parseFromString(html, "text/html"), one);
    }
  } catch {
    waiting[0]?.form.removeAttribute("aria-busy");
    offline.hidden = false;
    tell(filled(waiting.length === 1 ? texts.one_waits : texts.many_wait, { n: waiting.length }), texts.retry, send);
    setTimeout(send, 5000);
  } finally {
    isSending = false;
  }
}

function reasonIn(html) {
  const made = new DOMParser().parseFromString(html, "text/html");
  const said = made.querySelector(".state .lead")?.textContent;
  if (said) return said;
  try { return JSON.parse(html).detail; } catch { return ""; }
}

globalThis.addEventListener("online", send);
globalThis.addEventListener("offline", () => { offline.hidden = false; });
globalThis.addEventListener("online", () => { offline.hidden = waiting.length === 0; });
globalThis.addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });

// -- rating: a click or a tap is sent at once; by keyboard when Enter is pressed or the stars are left --------------------

let byKeyboard = false;
const unsent = new Set();

document.addEventListener("keydown", (event) => {
  byKeyboard = true;
  const form = event.target.closest?.("form.rating");
  if (!form || !event.target.matches("input[type=radio]")) return;
  if (event.key === "Enter" || (event.key === " " && event.target.checked)) {
    event.preventDefault();
    unsent.delete(form);
    if (form.querySelector("input:checked")) rate(form);
  }
});
document.addEventListener("pointerdown", () => { byKeyboard = false; }, true);

// Escape closes what is open: what is said at the foot of the window, then the filters, if the keyboard is in them.
document.addEventListener("keydown", (event) => {
  const filters = document.activeElement?.closest("details.filters[open]");
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (told.firstChild && !waiting.length) told.replaceChildren();
  else if (filters) {
    filters.open = false;
    filters.querySelector("summary").focus();
  }
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form.rating");
  if (!form || !event.target.matches("input[type=radio]")) return;
  if (byKeyboard) unsent.add(form);
  else rate(form);
});

document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.("form.rating");
  if (!form || !unsent.has(form) || form.querySelector("fieldset")?.contains(event.relatedTarget)) return;
  unsent.delete(form);
  rate(form);
});

function rate(form, button = null) {
  return change(form, button, (made, { address, name }) => {
    tell(filled(address === "/unrate" ? texts.removed : texts.saved, { name }));
    after(form, made);
  });
}

// On the page of films to rate the card stays, to be corrected, and the next film comes at the end.
function after(form, made) {
  form.closest("li.card")?.classList.add("given");
  form.closest("li.card")?.querySelector(".unseen-it")?.remove();
  grid()?.append(...fresh(made, grid()));
}

function fresh(made, cards) {
  const open = new Set([...cards.children].map((one) => one.dataset.film));
  return [...made.querySelectorAll("#grid > li")].filter((one) => !open.has(one.dataset.film));
}

const grid = () => document.getElementById("grid");
const skipped = () => new URLSearchParams(location.search).getAll("skip");
const part = () => document.querySelector("[data-part=list]");
const shown = () => [...document.querySelectorAll("#grid > li, [data-part=list] li.card")].map((one) => one.dataset.film);

// What is open when a change is sent, not when it was made: others may have come before it.
function addOpen({ body }) {
  if (!grid() && !part()) return;
  body.set("back", part()?.dataset.back ?? "/");
  for (const name of ["shown", "skip"]) body.delete(name);
  for (const film of shown().slice(-400)) body.append("shown", film);
  for (const film of skipped().slice(-400)) body.append("skip", film);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".rating")) { event.preventDefault(); unsent.delete(form); rate(form, event.submitter); }
  if (form.matches(".hide-it")) { event.preventDefault(); hide(form); }
  if (form.matches(".unseen-it")) { event.preventDefault(); skip(form); }
  if (form.id === "filters") { event.preventDefault(); list(form); }
});

function hide(form) {
  const back = () => change(form, { name: "", value: "", getAttribute: () => "/show" });
  return change(form, null, (made, { name }) => tell(filled(texts.hidden, { name }), texts.undo, back));
}

// -- films not seen: another takes the place; the address remembers them ---------------------------------------------------

async function skip(form) {
  const card = form.closest("li.card");
  const query = new URLSearchParams(location.search);
  query.append("skip", form.dataset.film);
  const ask = new URLSearchParams(query);
  for (const film of shown().slice(-400)) ask.append("shown", film);
  ask.set("n", "1");
  try {
    const answer = await fetch(`/?${ask}`, { headers: { "X-Part": "page" } });
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [next] = fresh(made, card.parentElement);
    history.replaceState(null, "", `/?${query}`);
    if (next) {
      card.replaceWith(next);
      next.querySelector("a")?.focus({ preventScroll: true });
    } else card.remove();
  } catch {
    offline.hidden = false;
  }
}

// -- lists: each change of a filter is a new list, and an address to come back to ------------------------------------------

let asked = 0;

async function list(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value && value !== "0"));
  const address = `${form.getAttribute("action")}${query.size ? `?${query}` : ""}`;
  await show(address, form.checkValidity());
}

async function show(address, isValid = true) {
  if (!isValid) return;
  const mine = ++asked;
  const region = document.querySelector("[data-part=list], [data-part=found]");
  region?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { "X-Part": "page", Accept: "text/html" } });
    const html = await answer.text();
    if (mine !== asked) return;
    if (answer.ok) {
      swap(html);
      history.replaceState(null, "", address);
    } else tell(reasonIn(html));
    offline.hidden = true;
  } catch {
    if (mine === asked) offline.hidden = false;
  } finally {
    document.querySelector("[data-part=list], [data-part=found]")?.removeAttribute("aria-busy");
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("#filters");
  if (!form) return;
  if (event.target.type === "checkbox" && event.target.checked) {
    // A genre cannot be wanted and unwanted.
    for (const other of form.querySelectorAll("input[type=checkbox]:checked")) {
      if (other !== event.target && other.value === event.target.value) other.checked = false;
    }
  }
  list(form);
});

// -- search as you type, on the pages that show what is found ----------------------------------------------------------

const field = document.getElementById("q");
let pause;

field?.addEventListener("input", () => {
  const found = document.querySelector("[data-part=found]");
  if (!found) return;
  clearTimeout(pause);
  pause = setTimeout(() => find(field.value.trim()), 120);
});

async function find(text) {
  if (location.pathname === "/search") { await show(`/search?${new URLSearchParams({ q: text })}`); return; }
  const mine = ++asked;
  const found = document.querySelector("[data-part=found]");
  if (!text) { found.replaceChildren(); return; }
  try {
    const answer = await fetch(`/search?${new URLSearchParams({ q: text })}`, { headers: { "X-Part": "page" } });
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = made.querySelector("[data-part=found]");
    if (mine === asked && next) found.replaceChildren(...next.childNodes);
  } catch {
    offline.hidden = false;
  }
}
