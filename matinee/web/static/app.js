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

// A message with an action stays until it is used, closed by Escape or the button, or replaced.
function showToast(text, actionName = "", action = null) {
  const box = document.createElement("p"), words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (action) {
    box.append(newButton(actionName, () => { toast.replaceChildren(); action(); }));
    const close = newButton("\u00d7", () => toast.replaceChildren());
    close.setAttribute("aria-label", texts.close);
    box.append(close);
  }
  toast.replaceChildren(box);
  clearTimeout(toastTimer);
  if (!action) toastTimer = setTimeout(() => toast.replaceChildren(), 5000);
}

function newButton(text, action) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  button.addEventListener("click", action);
  return button;
}

// -- updating parts of the page ---------------------------------------------------------------------------------------

// The focused element, described so that it can be found again after it was replaced.
function describeFocus(element) {
  const part = element?.closest("[data-part]")?.dataset.part;
  const card = element?.closest("[data-film]");
  if (!part && !card?.closest("#grid")) return null;
  const cards = [...document.querySelectorAll("li.card")];
  return { part, film: card?.dataset.film, row: cards.indexOf(element.closest("li.card")) };
}

function restoreFocus({ part, film, row }) {
  const films = [...document.querySelectorAll("[data-film]")];
  const sameFilm = film && films.find((element) => element.dataset.film === film);
  const cards = document.querySelectorAll("li.card");
  const card = sameFilm || cards[Math.min(row, cards.length - 1)];
  const place = card ?? document.querySelector(`[data-part="${part}"]`);
  const selectors = card && !sameFilm ? ["a"] : ["input:checked", "input[type=radio]", "button:not([hidden])", "a, summary"];
  const found = selectors.map((selector) => place?.querySelector(selector)).find(Boolean);
  found?.focus({ preventScroll: Boolean(sameFilm) });
}

// How parts are replaced, by their names; most are replaced as a whole.
export const updaters = {};
const replace = (part, newPart) => part.replaceWith(newPart);

// With `pins`, what was changed on this page, and the card under the pointer, stay where they are.
function updatePage(html, pins = false) {
  const page = parse(html);
  const active = document.activeElement, focus = describeFocus(active);
  const pinned = pins ? document.querySelector(".card:hover") ?? active.closest(".card") : null;
  const top = pinned?.getBoundingClientRect().top;
  for (const part of document.querySelectorAll("[data-part]")) {
    const newPart = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (newPart) (updaters[part.dataset.part] ?? replace)(part, document.adoptNode(newPart), pins);
  }
  for (const [film, { given, undo }] of changed) showRating(film, given, undo);
  if (focus && document.activeElement !== active) {
    if (active.isConnected) active.focus({ preventScroll: true }); // its card was moved
    else if (document.activeElement === document.body) restoreFocus(focus);
  }
  if (pinned?.isConnected) holdInPlace(pinned, top);
  return page;
}

// Scrolls until a card is where it was; where the page starts, space above the list does the rest.
function holdInPlace(card, top) {
  const moved = () => card.getBoundingClientRect().top - top;
  scrollBy({ top: moved(), behavior: "instant" });
  const part = card.closest("[data-part]");
  if (moved() < -0.5 && part) part.style.paddingTop = `${(parseFloat(part.style.paddingTop) || 0) - moved()}px`;
}

// -- the queue of changes -----------------------------------------------------------------------------------------------

const queue = [];
let isSending = false;

function enqueueChange(form, address, stars, onSuccess, onFailure) {
  const body = new URLSearchParams(new FormData(form));
  body.delete("stars");
  if (stars) body.set("stars", stars);
  const film = body.get("item_id");
  // A new change to a film replaces one that has not been sent yet.
  const isReplaced = (change, index) => change.film === film && !(index === 0 && isSending);
  const replaced = queue.findIndex(isReplaced);
  if (replaced >= 0) queue.splice(replaced, 1);
  queue.push({ address, body, film, form, onSuccess, onFailure });
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
      if (!response.ok) {
        change.onFailure?.();
        showToast(fillIn(texts.failed, { reason: errorIn(html) }));
        continue;
      }
      // While more changes wait, the page is not updated: the response does not contain them yet.
      const page = queue.length ? parse(html) : updatePage(html, true);
      change.onSuccess?.(page);
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

// What was changed on this page: film -> its rating now, and the one that Undo restores. Ratings
// are texts; "" is none, and an undo of null means that there is nothing to undo.
const changed = new Map();
let usesKeyboard = false, lastUndo = null;
const unsentForms = new Set();
const isStar = (element) => element.matches?.("form.rating input[type=radio]");
const givenIn = (form) => form.dataset.given ?? "";

document.addEventListener("pointerdown", () => { usesKeyboard = false; }, true);
document.addEventListener("keydown", (event) => {
  usesKeyboard = true;
  const { key, target } = event;
  if (key === "z" && (event.ctrlKey || event.metaKey) && (isStar(target) || !target.matches("input, textarea"))) {
    event.preventDefault();
    lastUndo?.();
  }
  if (!isStar(target)) return;
  const form = target.form, undoButton = form.querySelector(".undo");
  if (key === "Tab" && !event.shiftKey && undoButton) {
    event.preventDefault(); // from stars that were cleared, Chromium goes to the next star
    undoButton.focus();
    return;
  }
  const clears = ["Delete", "Backspace", "0"].includes(key);
  if (!clears && key !== "Enter" && key !== "Escape" && !(key === " " && target.checked)) return;
  const wasUnsent = unsentForms.delete(form);
  if (key === "Escape" && !wasUnsent) return;
  event.preventDefault();
  if (clears || key === "Escape") {
    const { undo = null } = changed.get(form.dataset.film) ?? {};
    if (clears && givenIn(form)) rate(form, "");
    else showRating(form.dataset.film, givenIn(form), undo);
  } else if (form.querySelector("input:checked")) rate(form, chosenIn(form));
});

// Escape closes the message at the bottom of the window.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !toast.firstChild || queue.length) return;
  event.preventDefault();
  toast.replaceChildren();
});

document.addEventListener("change", ({ target }) => {
  if (!isStar(target)) return;
  if (!usesKeyboard) { rate(target.form, chosenIn(target.form)); return; }
  unsentForms.add(target.form);
  placeUndo(target.form, givenIn(target.form)); // the next Tab leads to it
});

// A click on the stars that were given clears them; the second click of a double click does not.
document.addEventListener("click", (event) => {
  if (!isStar(event.target) || usesKeyboard || event.detail > 1) return;
  const { form, value } = event.target;
  if (value === givenIn(form)) rate(form, "");
});

document.addEventListener("focusout", (event) => {
  const form = event.target.closest?.("form.rating");
  if (!form || !unsentForms.has(form)) return;
  if (form.querySelector("fieldset")?.contains(event.relatedTarget)) return;
  unsentForms.delete(form);
  rate(form, chosenIn(form));
});

const chosenIn = (form) => new FormData(form).get("stars") ?? "";

// Saves a rating, or removes it if `stars` is "".
function rate(form, stars, isUndo = false) {
  const { film, name } = form.dataset, before = givenIn(form);
  const { undo: earlier = null } = changed.get(film) ?? {};
  if (stars === before) { showRating(film, before, earlier); return; }
  const undo = () => rate(form, before, true);
  showRating(film, stars, isUndo ? null : before, false);
  lastUndo = isUndo ? null : undo;
  const succeed = (page) => {
    const { given, undo: to } = changed.get(film);
    showRating(film, given, to);
    const text = fillIn(stars ? texts.saved : texts.removed, { name });
    if (isUndo) showToast(text);
    else showToast(text, texts.undo, undo);
    grid()?.append(...newCards(page, grid()));
  };
  enqueueChange(form, stars ? "/rate" : "/unrate", stars, succeed, () => showRating(film, before, earlier));
}

// Shows a rating wherever the film is on the page; with Undo once it is saved.
function showRating(film, given, undo, isSaved = true) {
  changed.set(film, { given, undo });
  for (const form of document.querySelectorAll("form.rating")) {
    if (form.dataset.film !== film || unsentForms.has(form)) continue;
    form.dataset.given = given;
    for (const input of form.querySelectorAll("input[type=radio]")) input.checked = input.value === given;
    for (const input of form.querySelectorAll("input[type=number]")) input.value = given;
    form.closest("li.card")?.classList.toggle("given", given !== "");
    const active = document.activeElement;
    const loses = !given && active.matches(".take-back") && form.contains(active);
    if (isSaved || loses) placeUndo(form, undo);
    for (const one of form.querySelectorAll(".take-back, .has")) one.hidden = !given;
    for (const one of form.querySelectorAll("[name=stars]:is(button)")) one.hidden = Boolean(given);
    if (active.hidden && form.contains(active)) (form.querySelector(".undo") ?? starOf(form))?.focus();
  }
}

const starOf = (form) => form.querySelector("input:checked") ?? form.querySelector("[name=stars]:not([hidden])");

// Adds the button that restores a rating, next after the stars; removes it if `undo` is null.
function placeUndo(form, undo) {
  let button = form.querySelector(".undo");
  if (undo === null) {
    const hasFocus = button && button === document.activeElement;
    button?.remove();
    if (hasFocus) starOf(form)?.focus();
    return;
  }
  if (!button) {
    button = newButton(texts.undo, () => rate(form, button.dataset.to, true));
    button.className = "quiet undo";
    button.setAttribute("aria-label", fillIn(texts.undo_of, { name: form.dataset.name }));
    const stars = form.querySelector("fieldset, .typed, .has, [name=stars]");
    stars.after(button);
  }
  button.dataset.to = undo;
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
  const { target: form, submitter } = event;
  const action = form.getAttribute("action");
  if (form.matches(".rating")) {
    event.preventDefault();
    unsentForms.delete(form);
    const isRemoval = submitter?.getAttribute("formaction") === "/unrate";
    rate(form, isRemoval ? "" : submitter?.name ? submitter.value : chosenIn(form));
  } else if (action === "/hide" || action === "/show") {
    event.preventDefault();
    hide(form, action === "/hide");
  } else if (form.matches(".unseen-it")) {
    event.preventDefault();
    skip(form);
  }
});

// -- films that do not interest: the card stays, and its button shows the film again --------------------------------------

// A second click of a double click must not undo the first.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest?.(".act button, .undo")) event.preventDefault();
}, true);

function hide(form, hides) {
  const film = form.elements.item_id.value;
  const name = form.dataset.name ?? form.closest("li")?.querySelector("a")?.textContent ?? "";
  const show = (isHidden) => showHidden(film, isHidden, name);
  const undo = () => hide(form, !hides);
  show(hides);
  lastUndo = undo;
  enqueueChange(form, hides ? "/hide" : "/show", "", () => {
    showToast(fillIn(hides ? texts.hidden : texts.shown, { name }), texts.undo, undo);
  }, () => show(!hides));
}

function showHidden(film, isHidden, name) {
  for (const form of document.querySelectorAll("form[action='/hide'], form[action='/show']")) {
    if (form.elements.item_id.value !== film) continue;
    const button = form.querySelector("button");
    form.dataset.first ??= form.getAttribute("action");
    button.dataset.text ??= button.textContent;
    button.dataset.label ??= button.getAttribute("aria-label") ?? button.textContent;
    form.setAttribute("action", isHidden ? "/show" : "/hide");
    const isFirst = form.dataset.first === form.getAttribute("action");
    button.textContent = isFirst ? button.dataset.text : texts.undo;
    button.setAttribute("aria-label", isFirst ? button.dataset.label : fillIn(texts.undo_of, { name }));
    form.closest("li")?.classList.toggle("put-away", !isFirst);
    form.querySelector(".done")?.remove();
    if (isFirst) continue;
    const done = Object.assign(document.createElement("span"), { className: "done" });
    done.textContent = isHidden ? texts.put_away : texts.put_back;
    button.before(done, " ");
  }
}

// -- films not seen: another film replaces the card; the address remembers the skipped ones ------------------------------

async function skip(form) {
  const card = form.closest("li.card"), { film } = form.dataset;
  const stars = card.querySelector("form.rating");
  if (stars && givenIn(stars)) rate(stars, "");
  const before = new URLSearchParams(location.search), pageQuery = new URLSearchParams(before);
  pageQuery.append("skip", film);
  const query = new URLSearchParams(pageQuery);
  for (const one of openFilms().slice(-400)) query.append("shown", one);
  query.set("n", "1");
  try {
    const response = await fetch(`/?${query}`, { headers: { "X-Part": "page" } });
    const page = parse(await response.text());
    const [next] = newCards(page, card.parentElement);
    const nextCard = next ?? document.createElement("li");
    history.replaceState(null, "", `/?${pageQuery}`);
    card.replaceWith(nextCard);
    nextCard.animate({ pointerEvents: ["none", "none"] }, 350);
    const name = stars?.dataset.name ?? "";
    const undo = () => {
      nextCard.replaceWith(card);
      const rest = skippedFilms().filter((one) => one !== film);
      history.replaceState(null, "", rest.length ? `/?${new URLSearchParams(rest.map((one) => ["skip", one]))}` : "/");
      card.querySelector(".unseen-it button").focus({ preventScroll: true });
      lastUndo = null;
    };
    const button = newButton(texts.undo, () => { toast.replaceChildren(); undo(); });
    button.className = "quiet";
    button.setAttribute("aria-label", fillIn(texts.undo_of, { name }));
    const place = nextCard.querySelector(".unseen-it");
    (place ?? nextCard).append(button);
    lastUndo = undo;
    showToast(fillIn(texts.skipped, { name }), texts.undo, undo);
    (place?.querySelector("button") ?? button).focus({ preventScroll: true });
  } catch {
    offline.hidden = false;
  }
}

// -- pages whose list changes without a new page ---------------------------------------------------------------------

let latestRequest = 0;

// Updates the page from another address, unless a later request has started in the meantime.
export async function load(address, pins = false) {
  const request = ++latestRequest;
  const region = () => document.querySelector("[data-part=list], [data-part=found]");
  region()?.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { headers: { "X-Part": "page", Accept: "text/html" } });
    const html = await response.text();
    if (request !== latestRequest) return;
    if (response.ok) {
      updatePage(html, pins);
      history.replaceState(null, "", address);
    } else showToast(errorIn(html));
    offline.hidden = true;
  } catch {
    if (request === latestRequest) offline.hidden = false;
  } finally {
    region()?.removeAttribute("aria-busy");
  }
}

