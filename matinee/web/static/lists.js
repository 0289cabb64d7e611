// The page "For you": each change of a filter loads a new list and changes the address; sliders say
// their values; more of a list is added where it ends.

import { load, updaters } from "./app.js";

const filters = document.querySelector("details.filters");
const form = document.getElementById("filters");

function apply() {
  const usual = (name) => form.elements[name].dataset?.usual ?? "0";
  const fields = [...new FormData(form)].filter(([name, value]) => value && Number(value) !== Number(usual(name)));
  const query = new URLSearchParams(fields);
  const [first, last] = [query.get("year_from"), query.get("year_to")];
  if (first && last && Number(first) > Number(last)) {
    query.set("year_from", last);
    query.set("year_to", first);
  }
  load(`${form.getAttribute("action")}${query.size ? `?${query}` : ""}`);
}

// Once both years are left, they are shown in their order.
form.addEventListener("focusout", ({ target, relatedTarget }) => {
  if (!target.name?.startsWith("year_") || relatedTarget?.name?.startsWith("year_")) return;
  const { year_from: first, year_to: last } = form.elements;
  if (first?.value && last.value && Number(first.value) > Number(last.value)) {
    [first.value, last.value] = [last.value, first.value];
  }
});

// The same as `shown_dial` in lists.py.
function showDial({ value, name, dataset, parentElement }) {
  const off = name === "popularity" ? form.dataset.off : dataset.low;
  const part = `${Math.round(100 * Math.abs(value))}% ${value < 0 ? dataset.low : dataset.high}`;
  parentElement.querySelector("output").textContent = Number(value) ? part : off;
}

form.addEventListener("input", ({ target }) => { if (target.type === "range") showDial(target); });
form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
form.addEventListener("change", ({ target }) => {
  // A genre cannot be both included and excluded.
  if (target.name === "genre" && target.checked) {
    for (const other of form.querySelectorAll("[name=not_genre]")) {
      if (other.value !== target.value) continue;
      if (other.type === "checkbox") other.checked = false;
      else other.value = "";
    }
  } else if (target.name === "not_genre") {
    for (const other of form.querySelectorAll("[name=genre]")) if (other.value === target.value) other.checked = false;
  } else if (target.name === "decade") {
    for (const name of ["year_from", "year_to"]) if (form.elements[name]) form.elements[name].value = "";
  } else if (target.name.startsWith("year_") && form.elements.decade) form.elements.decade.value = "";
  if (target.type === "range") showDial(target);
  apply();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !filters.open || !filters.contains(document.activeElement)) return;
  filters.open = false;
  filters.querySelector("summary").focus();
});

// Back from a film the filters are as open as they were.
const [navigation] = performance.getEntriesByType("navigation");
if (navigation?.type === "back_forward") filters.open = sessionStorage.filters === "open";
filters.addEventListener("toggle", () => { sessionStorage.filters = filters.open ? "open" : ""; });

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.(".more a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const address = new URL(link.href);
  const last = document.querySelector("#list > li:last-child");
  const top = last.getBoundingClientRect().top;
  await load(address.pathname + address.search);
  scrollBy({ top: last.getBoundingClientRect().top - top, behavior: "instant" });
  document.querySelector(`${address.hash} a`)?.focus({ preventScroll: true });
});

// -- a new list in place of the old one ---------------------------------------------------------------------------------

// In the list of films, cards that are open already stay and only their
// predictions are updated: drawing cards is slow, and the focus must not be lost. For these cards
// the server sends nothing else (data-held). If one of them is not open after all, the list is
// loaded again as a whole.
updaters.list = (part, newPart, pins) => {
  const isPinned = (card) => pins && card.matches(".given, .put-away, :hover, :focus-within");
  const openCards = [...part.querySelectorAll("li.card:not([data-held])")];
  const places = new Map(openCards.map((card) => [card, placeOf(card)]));
  const cardsIn = new Map([...part.querySelectorAll("ol")].map((list) => [list, [...list.children]]));
  const pinned = openCards.filter(isPinned);
  const cardOf = new Map(openCards.map((card) => [card.dataset.film, card]));
  const reuse = (newCard) => {
    const card = cardOf.get(newCard.dataset.film);
    if (!card) return newCard;
    updatePrediction(card, newCard);
    return pinned.includes(card) ? null : card;
  };
  const keyed = new Map([...part.children].map((child) => [child.dataset.key, child]));
  const children = [...newPart.children].map((child) => {
    const old = child.dataset.key && keyed.get(child.dataset.key);
    keyed.delete(child.dataset.key);
    const [list, newList] = [old, child].map((one) => one && one.querySelector("ol"));
    if (!newList) return child;
    const cards = [...newList.children].map(reuse).filter(Boolean);
    if (!old) { newList.replaceChildren(...cards); return child; }
    cardsIn.get(list).forEach((card, place) => { if (pinned.includes(card)) cards.splice(place, 0, card); });
    reorder(list, cards);
    const heading = child.querySelector("h2");
    if (heading) old.querySelector("h2")?.replaceWith(heading);
    return old;
  });
  for (const [key, old] of keyed) if (key && pinned.some((card) => old.contains(card))) children.push(old);
  reorder(part, children);
  part.dataset.back = newPart.dataset.back;
  for (const card of part.querySelectorAll("li.card")) {
    // A card that has just moved takes no clicks: they are meant for what was there before.
    if (pins && places.get(card) !== placeOf(card)) card.animate({ pointerEvents: ["none", "none"] }, 350);
  }
  if (part.querySelector("li[data-held]")) load(part.dataset.back, pins);
};

const placeOf = (card) => `${card.closest("[data-key]")?.dataset.key} ${[...card.parentElement.children].indexOf(card)}`;

function updatePrediction(card, newCard) {
  const find = (element) => [...element.querySelectorAll(".predicted, .why")];
  const old = find(card), current = find(newCard);
  const html = (elements) => elements.map((element) => element.outerHTML).join();
  if (html(old) === html(current)) return;
  for (const element of old) element.remove();
  card.querySelector(".said").prepend(...current);
}

// Makes an element have these children in this order, without touching those in the right place.
function reorder(list, children) {
  for (const child of [...list.childNodes]) if (!children.includes(child)) child.remove();
  let next = list.firstElementChild;
  for (const child of children) {
    if (next && next !== child && next.nextElementSibling === child) {
      next.remove(); // it belongs further down and is inserted there later
      next = child;
    }
    if (next === child) next = next.nextElementSibling;
    else list.insertBefore(child, next);
  }
}
