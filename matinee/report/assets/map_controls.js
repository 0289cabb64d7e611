// The controls around the map of films: a search, a legend, and a panel for the selected film.
//
// All data enters the page as text, never as markup.

import { balancedScale, css, evenScale, grouped, makeSearch, rampOf, rgb, signed } from "./map_canvas.js";

const MOST_FOUND = 8; // films in the list under the search
const MOST_GENRES = 24; // in the legend

// Makes an element with attributes (those that begin with "on" are listeners) and children; empty ones are skipped.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

export function button(text, label, onclick) {
  return h("button", { type: "button", "aria-label": label, title: label, onclick }, text);
}

// -- search ---------------------------------------------------------------------------------------------------------

// Calls take(row, byKey) with the chosen film. find(typed, limit) gives the rows found, or a promise of them.
export class Search {
  constructor(films, take, find = makeSearch(films)) {
    Object.assign(this, { films, take, find, rows: [], active: -1, pending: Promise.resolve() });
    this.input = h("input", {
      id: "film-map-search", type: "search", placeholder: "Find a film", autocomplete: "off", spellcheck: "false",
      role: "combobox", "aria-expanded": "false", "aria-controls": "film-map-found", "aria-autocomplete": "list",
      oninput: () => { this.pending = this.search(); },
      onfocus: () => this.input.select(),
      onblur: () => this.show([]),
      onkeydown: (event) => this.key(event),
    });
    this.list = h("ul", {
      id: "film-map-found", role: "listbox", "aria-label": "Search results", hidden: true,
      onpointerdown: (event) => event.preventDefault(), // the input keeps the focus
    });
    const label = h("label", { class: "unseen", for: "film-map-search" }, "Find a film");
    this.element = h("div", { class: "search" }, label, this.input, this.list);
  }

  async search() {
    const typed = this.input.value;
    const rows = await this.find(typed, MOST_FOUND);
    if (typed === this.input.value && rows) this.show(rows);
  }

  show(rows, isOpen = document.activeElement === this.input && this.input.value.trim() !== "") {
    const { films } = this;
    this.rows = rows;
    this.active = rows.length ? 0 : -1;
    const lines = rows.map((row, at) => {
      const attributes = { role: "option", id: `film-map-found-${at}`, onclick: () => this.pick(row, false) };
      return h("li", attributes, h("span", {}, films.titles[row]), h("small", {}, String(films.year[row] || "")));
    });
    const none = { class: "none", role: "option", "aria-disabled": "true" };
    if (!lines.length) lines.push(h("li", none, "No films found on this map."));
    this.list.replaceChildren(...lines);
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    this.mark();
  }

  mark() {
    this.rows.forEach((_, at) => this.list.children[at].setAttribute("aria-selected", String(at === this.active)));
    if (this.active < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `film-map-found-${this.active}`);
  }

  key(event) {
    const n = this.rows.length;
    if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      this.show([], false);
    } else if (event.key === "Enter") { // what was just typed may still be searched for
      this.pending.then(() => { if (this.active >= 0) this.pick(this.rows[this.active], true); });
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && n) {
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : n - 1)) % n;
      this.mark();
    } else return;
    event.preventDefault();
  }

  pick(row, byKey) {
    this.input.value = this.films.titles[row];
    this.show([], false);
    this.take(row, byKey);
  }
}

// -- legend ---------------------------------------------------------------------------------------------------------

// The colorings that this data allows: name -> {title, shade: row -> number of a color, colors(theme), ticks}.
export function waysToColor(films) {
  const ways = {};
  const { nGroups } = films;
  if (nGroups) {
    const shade = Uint8Array.from(films.group, (group) => (group < 0 ? nGroups : group));
    // The last color is that of a selected genre that has none of its own.
    const colors = (theme) => [...[...theme.genres.slice(0, nGroups), theme.other].map(rgb), theme.accent];
    ways.genre = { title: "Genre", shade, colors };
  }
  const ramp = (stops) => (theme) => [...rampOf(theme[stops], 255), rgb(theme.other)];
  if (films.year.some((year) => year !== 0)) {
    ways.year = { title: "Year", ...evenScale(films.year, (year) => year !== 0, String), colors: ramp("sequence") };
  }
  if (films.bias) ways.bias = { title: "Liked", ...balancedScale(films.bias, signed), colors: ramp("balance") };
  ways.popularity = { title: "Ratings", ...evenScale(films.count, () => true, grouped), colors: ramp("sequence") };
  return ways;
}

// The meaning of the colors. A click on a line highlights the films that it counts and calls changed().
export class Legend {
  lit = null; // the selected line: {name, mask: row -> 0 or 1, shade: the colors meanwhile, or null}

  constructor(films, ways, stars, changed) {
    Object.assign(this, { films, ways, stars, changed });
    this.element = h("div", { class: "legend" });
  }

  show(name, theme) {
    const { films } = this;
    const parts = [];
    if (this.stars.size) parts.push(this.line("Rated by you", this.stars.size, "", -1));
    if (this.stars.note) parts.push(h("p", {}, this.stars.note));
    if (name === "genre") {
      const counts = new Uint32Array(films.genres.length);
      for (const genre of films.genre) counts[genre]++;
      const line = (genre, at) => this.line(genre, counts[at], at < films.nGroups ? theme.genres[at] : "", at);
      parts.push(...films.genres.slice(0, MOST_GENRES).map(line));
    } else parts.push(this.ramp(this.ways[name], this.ways[name].colors(theme)));
    if (this.text) parts.push(h("p", { role: "status" }, this.text));
    if (name === "bias") parts.push(h("p", {}, "Stars above and below what the people who rated a film give other films."));
    this.element.replaceChildren(...parts);
  }

  say(text) {
    this.text = text;
    this.element.append(h("p", { role: "status" }, text));
  }

  // genre: its number, -1 for the films that the visitor has rated.
  line(name, count, color, genre) {
    const swatch = h("i", { class: color ? "" : genre < 0 ? "you" : "open" });
    swatch.style.background = color;
    const pressed = String(this.lit?.name === name);
    const attributes = { type: "button", "aria-pressed": pressed, onclick: () => this.toggle(name, genre) };
    return h("button", attributes, swatch, h("span", {}, name), h("small", {}, grouped(count)));
  }

  toggle(name, genre) {
    const { films, ways, stars } = this;
    if (this.lit?.name === name) this.lit = null;
    else {
      const mask = Uint8Array.from(films.x, (_, row) => (genre < 0 ? stars.has(row) : films.hasGenre(row, genre)));
      // While a genre is selected, all of its films have its color, whatever other genres they have.
      const color = genre < films.nGroups ? genre : films.nGroups + 1;
      this.lit = { name, mask, shade: genre < 0 ? null : ways.genre.shade.map((was, row) => (mask[row] ? color : was)) };
    }
    for (const line of this.element.querySelectorAll("button")) {
      line.setAttribute("aria-pressed", String(line.querySelector("span").textContent === this.lit?.name));
    }
    this.changed();
  }

  ramp({ ticks, shade }, colors) {
    const bar = h("div", { class: "bar" });
    const stops = [0, 32, 64, 96, 128, 160, 192, 224, 254].map((at) => css(colors[at]));
    bar.style.background = `linear-gradient(to right, ${stops})`;
    const swatch = h("i");
    swatch.style.background = css(colors[255]);
    const unknown = shade.includes(255) && h("p", {}, swatch, "unknown");
    const words = h("div", { class: "ticks" }, ...ticks.map((tick) => h("span", {}, tick)));
    return h("div", { class: "ramp" }, bar, words, unknown);
  }
}

// -- the selected film ----------------------------------------------------------------------------------------------

// Clicking a line calls choose(row), or choose(-1) to close; pointing at one calls point(row). If films have pages,
// link.of(id) is the address of a page and link.text the text of the link. details(id), if given, promises an element
// with more about the film, such as stars to rate it.
export class Panel {
  constructor(films, stars, { choose, point, link, details }) {
    Object.assign(this, { films, stars, choose, point, link, details });
    this.element = h("section", { class: "film", "aria-label": "Selected film", hidden: true });
  }

  fill(row, note = "") {
    const { films } = this;
    this.row = row;
    this.slot = this.details && h("div", { class: "slot" });
    this.yours = h("div", {});
    this.showStars();
    const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
    const other = films.others(row);
    const genres = films.genresOf(row).join(", ");
    const neighbors = Array.from(films.neighborsOf(row), (one) => this.neighbor(one));
    this.element.replaceChildren(
      button("×", "Close", () => this.choose(-1)),
      ...(note ? [h("p", { class: "note" }, note)] : []),
      h("h2", { tabindex: "-1" }, films.titles[row]),
      ...[other && `also: ${other}`, [films.year[row] || "", genres].filter(Boolean).join(" · ")]
        .filter(Boolean)
        .map((text) => h("p", {}, text)),
      ...(this.link ? [h("p", {}, h("a", { href: this.link.of(films.ids[row]) }, this.link.text))] : []),
      h("dl", {},
        fact("Average", films.mean[row].toFixed(2)),
        fact("Ratings", grouped(films.count[row])),
        this.yours,
      ),
      ...(this.slot ? [this.slot] : []),
      ...(neighbors.length ? [h("h3", {}, "Similar films", h("small", {}, "most similar first")), h("ol", {}, ...neighbors)] : []),
    );
    this.element.scrollTop = 0;
    const { slot } = this;
    this.details?.(films.ids[row]).then((element) => slot.replaceChildren(element));
  }

  // The visitor's rating among the facts, unless there are stars that show it.
  showStars() {
    const given = this.stars.get(this.row);
    this.yours?.replaceChildren(...(given === undefined || this.details ? [] : [h("dt", {}, "Your rating"), h("dd", {}, String(given))]));
  }

  neighbor(row) {
    const { films } = this;
    const [here, away] = [() => this.point(row), () => this.point(-1)];
    const listeners = { onpointerenter: here, onfocus: here, onpointerleave: away, onblur: away };
    const year = films.year[row] && h("small", {}, ` ${films.year[row]}`);
    const name = h("span", {}, films.titles[row], year);
    return h("li", {}, h("button", { type: "button", onclick: () => this.choose(row), ...listeners }, name));
  }
}
