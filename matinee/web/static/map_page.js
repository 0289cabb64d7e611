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

try {
  const version = encodeURIComponent(container.dataset.version);
  const [films, you] = await Promise.all([
    fetchJson(`/map/films.json?v=${version}`),
    fetchJson("/map/you.json"),
  ]);
  const link = { text: container.dataset.open, of: filmUrl };
  const map = mount(container, { ...films, you, link });
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
