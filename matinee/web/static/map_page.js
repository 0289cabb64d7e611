// The map page: loads the films and the person's position, and passes both to the map.

import { mount } from "/map/map.js";

const container = document.getElementById("map");

// Same as film_url in rendering.py: an id that a browser would change in a path goes into a query.
function filmUrl(id) {
  return /^(?!\.+$)[A-Za-z0-9_.~-]+$/.test(id) ? `/films/${id}` : `/films?${new URLSearchParams({ id })}`;
}

async function fetchJson(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}

// Finds films with the search of all pages; null if the text has changed in the meantime.
function makeFind(films) {
  const rows = new Map(films.ids.map((id, row) => [String(id), row]));
  let latest = 0;
  return async (typed, limit) => {
    const request = ++latest, q = typed.trim().slice(0, 100);
    if (!q) return [];
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    if (request !== latest) return null;
    const found = await fetchJson(`/api/v1/films?${new URLSearchParams({ q, page_size: 100 })}`);
    return found.films.map((film) => rows.get(String(film.item_id))).filter((row) => row >= 0).slice(0, limit);
  };
}

// The prediction for the person and stars to rate with, as the server draws them on all pages.
async function details(id) {
  try {
    const response = await fetch(`/map/film?${new URLSearchParams({ id })}`, { headers: { "X-Part": "page" } });
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return document.adoptNode(page.querySelector("[data-part=map-film]"));
  } catch {
    const message = document.createElement("p");
    message.textContent = container.dataset.detailsFailed;
    return message;
  }
}

try {
  const { version, open, row, note } = container.dataset;
  const [films, you] = await Promise.all([
    fetchJson(`/map/films.json?v=${encodeURIComponent(version)}`),
    fetchJson("/map/you.json"),
  ]);
  const map = mount(container, { ...films, you, link: { text: open, of: filmUrl }, find: makeFind(films), details });
  if (Number(row) >= 0) map.choose(Number(row), { frame: true, note });
  else if (note) map.say(note);
  // A rating replaces this part of the panel (app.js): the person has moved.
  let given = null;
  new MutationObserver(async () => {
    const form = container.querySelector("[data-part=map-film] form.rating");
    if (!form) return;
    const now = `${form.dataset.film} ${form.querySelector("input:checked")?.value ?? (form.querySelector(".has") ? 1 : "")}`;
    const isRating = given !== null && now !== given && now.split(" ")[0] === given.split(" ")[0];
    given = now;
    if (isRating) map.updateYou(await fetchJson("/map/you.json"));
  }).observe(container.querySelector("section.film"), { childList: true, subtree: true });
} catch (error) {
  const link = document.createElement("a");
  Object.assign(link, { href: location.href, textContent: container.dataset.again });
  const message = container.querySelector(".loading");
  message?.replaceChildren(container.dataset.failed, " ", link);
  console.warn(error);
}
