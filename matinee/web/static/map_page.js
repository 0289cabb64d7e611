// The page of the map: fetches the films and where somebody stands, and hands both to the map.

import { mount } from "/map/map.js";

const place = document.getElementById("map");

// As film_url in rendering.py: what a browser would change in a path goes into a query.
function filmUrl(id) {
  return /^(?!\.+$)[A-Za-z0-9_.~-]+$/.test(id) ? `/films/${id}` : `/films?${new URLSearchParams({ id })}`;
}

async function json(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

try {
  const version = encodeURIComponent(place.dataset.version);
  const [films, you] = await Promise.all([json(`/map/films.json?v=${version}`), json("/map/you.json")]);
  const link = { text: place.dataset.open, of: filmUrl };
  const map = mount(place, { ...films, you, link });
  const wanted = new URLSearchParams(location.search).get("film");
  const row = wanted === null ? -1 : films.ids.findIndex((id) => String(id) === wanted);
  if (row >= 0) map.choose(row);
} catch (error) {
  const told = place.querySelector(".loading");
  const again = Object.assign(document.createElement("a"), { href: location.href, textContent: place.dataset.again });
  told?.replaceChildren(place.dataset.failed, " ", again);
  console.warn(error);
}
