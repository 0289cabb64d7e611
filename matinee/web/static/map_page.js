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

try {
  const version = encodeURIComponent(container.dataset.version);
  const [films, you] = await Promise.all([
    fetchJson(`/map/films.json?v=${version}`),
    fetchJson("/map/you.json"),
  ]);
  const link = { text: container.dataset.open, of: filmUrl };
  const map = mount(container, { ...films, you, link, find: makeFind(films) });
  const film = new URLSearchParams(location.search).get("film");
  const row = film === null ? -1 : films.ids.findIndex((id) => String(id) === film);
  if (row >= 0) map.choose(row);
} catch (error) {
  const link = document.createElement("a");
  Object.assign(link, { href: location.href, textContent: container.dataset.again });
  const message = container.querySelector(".loading");
  message?.replaceChildren(container.dataset.failed, " ", link);
  console.warn(error);
}
