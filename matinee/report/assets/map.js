// The map of films: dots on one canvas; lines, rings and titles on a second above it; and the controls around them.
//
//     mount(element, data)      data comes from matinee.report.map_page.page_data; a page may add `find`, `link` and
//                               `details`, see map_controls.js

import { SIZES, THEMES, View, css, grouped, makeGrid, makeLabels, makePainter, readFilms, rgb } from "./map_canvas.js";
import { Legend, Panel, Search, button, h, waysToColor } from "./map_controls.js";

const REACH = 14; // CSS pixels from the pointer to a dot
const STEP = 70; // CSS pixels that an arrow key moves the map
const FLIGHT = 320; // milliseconds
const KEYS =
  "Drag or use the arrow keys to move; scroll or use + and − to zoom; 0 shows the whole map. " +
  "Enter selects the film in the center, Esc closes it.";

class FilmMap {
  film = -1; // row of the selected film
  hover = -1; // row of the film under the pointer
  mask = null; // row -> 1 for the highlighted dots while others fade; null: all
  pointers = new Map(); // pressed pointers and their positions

  constructor(element, data) {
    this.films = readFilms(data);
    this.ways = waysToColor(this.films);
    this.color = this.ways[data.color] ? data.color : Object.keys(this.ways)[0];
    this.stars = new Map();
    this.takeYou(data.you);
    this.view = new View(this.films);
    this.nearest = makeGrid(this.films);
    this.build(element, data);
    this.context = this.marks.getContext("2d");
    this.paint = makePainter(this.dots, this.films);
    this.place = makeLabels(this.films, this.context);
    this.listen();
    this.dress();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    this.resize();
  }

  // -- the page -----------------------------------------------------------------------------------------------------

  build(element, data) {
    const { films, view } = this;
    this.search = new Search(films, (row, byKey) => this.choose(row, { byKey, frame: true }), data.find);
    this.legend = new Legend(films, this.ways, this.stars, () => this.choose(-1));
    const { link, details } = data;
    const calls = { choose: (row) => this.choose(row), point: (row) => this.point(row), link, details };
    this.panel = new Panel(films, this.stars, calls);
    this.dots = h("canvas", { class: "dots", "aria-hidden": "true" });
    const words = { "aria-label": "Map of films", "aria-describedby": "film-map-keys" };
    this.marks = h("canvas", { class: "marks", tabindex: "0", role: "application", ...words });
    this.tip = h("div", { class: "tip", hidden: true });
    this.said = h("p", { class: "unseen", role: "status" });
    const zooms = h("div", { class: "zooms" },
      button("+", "Zoom in", () => this.fly(view.x, view.y, view.scale * 1.6)),
      button("−", "Zoom out", () => this.fly(view.x, view.y, view.scale / 1.6)),
      button("⤢", "Show the whole map", () => this.fly(0, 0, view.whole)),
    );
    const side = h("div", { class: "side" },
      data.heading && h("h1", {}, data.heading),
      h("p", { class: "about" }, data.about),
      this.search.element,
      this.choices(),
      this.legend.element,
      h("div", { class: "more" }, ...data.axes.map((text) => h("p", {}, text)), h("p", { id: "film-map-keys" }, KEYS)),
    );
    this.stage = h("div", { class: "stage" }, this.dots, this.marks, this.tip, zooms);
    this.root = h("div", { class: "film-map" }, side, this.stage, this.panel.element, this.said);
    element.replaceChildren(this.root);
  }

  // Where the visitor is, and their ratings: row -> stars; null for nobody.
  takeYou(you) {
    this.you = you && this.films.place(you.x, you.y);
    this.stars.clear();
    for (const [row, given] of you?.stars ?? []) this.stars.set(row, given);
    this.stars.note = you?.note ?? "";
  }

  updateYou(you) {
    this.takeYou(you);
    this.legend.show(this.color, this.theme);
    this.panel.showStars();
    this.redraw();
  }

  choices() {
    const fieldset = h("fieldset", { class: "ways" }, h("legend", {}, "Color by"));
    for (const [value, { title }] of Object.entries(this.ways)) {
      const onchange = () => {
        this.color = value;
        this.legend.lit = null;
        this.legend.show(value, this.theme);
        this.light();
      };
      const checked = value === this.color;
      const radio = h("input", { type: "radio", name: "film-map-color", value, checked, onchange });
      fieldset.append(h("label", {}, radio, h("span", {}, title)));
    }
    return fieldset;
  }

  listen() {
    const { marks, root } = this;
    marks.addEventListener("pointerdown", (event) => this.press(event));
    marks.addEventListener("pointermove", (event) => this.drag(event));
    const release = (event) => this.pointers.delete(event.pointerId);
    for (const name of ["pointerup", "pointercancel"]) marks.addEventListener(name, release);
    marks.addEventListener("click", (event) => this.click(event));
    marks.addEventListener("pointerleave", () => this.point(-1));
    marks.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    marks.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.choose(-1));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.dress());
  }

  // Reads the colors of the page, light or dark.
  dress() {
    const style = getComputedStyle(this.root);
    const own = (name) => rgb(style.getPropertyValue(name).trim());
    const paper = own("--paper");
    const dark = paper[0] + paper[1] + paper[2] < 384;
    const page = { paper, ink: own("--ink"), accent: own("--accent"), font: style.fontFamily };
    this.theme = { ...THEMES[dark ? "dark" : "light"], ...page };
    this.legend.show(this.color, this.theme);
    this.redraw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight) return;
    const isFirst = this.view.width < 2;
    this.view.resize(clientWidth, clientHeight);
    if (isFirst) this.view.move(0, 0, this.view.start);
    this.draw(); // at once: a canvas that has been resized is empty
  }

  // -- drawing ------------------------------------------------------------------------------------------------------

  redraw(dotsToo = true) {
    this.stale ||= dotsToo;
    this.due ||= requestAnimationFrame(() => this.draw(this.stale));
  }

  draw(dotsToo = true) {
    cancelAnimationFrame(this.due);
    this.due = 0;
    this.stale = false;
    if (this.view.width < 2) return;
    const { colors, shade } = this.ways[this.color];
    this.colors = colors(this.theme);
    this.shade = this.legend.lit?.shade ?? shade;
    if (dotsToo) this.drawDots();
    this.drawMarks();
  }

  // Highlights the selected film with its neighbors, what the legend selects, or everything.
  light() {
    this.mask = this.legend.lit?.mask ?? null;
    if (this.film >= 0) {
      this.mask = new Uint8Array(this.films.n);
      for (const row of [this.film, ...this.films.neighborsOf(this.film)]) this.mask[row] = 1;
    }
    this.redraw();
  }

  drawDots() {
    const { view, films } = this;
    const room = (view.width * view.height) / Math.max(films.n, 1);
    const small = Math.min(3.2, Math.max(1.05, 0.1 * Math.sqrt(room))) * Math.max(1, view.scale / view.whole) ** 0.36;
    const radius = (_, size) => Math.min(10, small * (0.72 + (1.35 * size) / (SIZES - 1))) * view.ratio;
    this.radii = Array.from({ length: SIZES }, radius);
    const { colors, shade, mask } = this;
    this.paint(view, this.radii, { paper: this.theme.paper, colors, shade, mask });
  }

  drawMarks() {
    const { view, context, marks, films, theme } = this;
    const [width, height] = [Math.round(view.width * view.ratio), Math.round(view.height * view.ratio)];
    if (marks.width !== width || marks.height !== height) [marks.width, marks.height] = [width, height];
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    context.font = `12px ${theme.font}`;
    context.textBaseline = "middle";
    if (this.film >= 0) this.drawLines();
    const obstacles = this.you ? [this.drawYou()] : [];
    // The closer, the more titles fit beside their dots.
    const room = (view.width * view.height) / (15000 / Math.min(4, Math.max(1, view.scale / view.whole)));
    const limit = this.film >= 0 ? 1 + films.k : Math.round(Math.min(70 * Math.max(1, view.scale / view.whole), 250, room));
    const [rows, lit] = [this.candidates(), `${this.film} ${this.legend.lit?.name}`];
    this.boxes = this.place(view, this.radii, { rows, lit, limit, obstacles });
    // Drawn again, large enough to show which dots the titles belong to and which films are similar.
    if (this.film >= 0) rows.forEach((row) => this.disc(row, 3.5));
    else this.boxes.forEach(({ row }) => this.disc(row, 2.4));
    for (const { row, left, top } of this.boxes) {
      this.write(films.label(row), left + 2, top + 8, row === this.film ? theme.accent : theme.ink);
    }
    if (this.hover >= 0) this.ring(this.hover, theme.ink, 1.8, 2.5);
  }

  // The rows that may be labeled, best first.
  candidates() {
    const { films, view, mask } = this;
    if (this.film >= 0) return [this.film, ...films.neighborsOf(this.film)];
    const [[left, top], [right, low]] = [view.toMap(0, 0), view.toMap(view.width, view.height)];
    const rows = [];
    for (let at = films.n - 1; at >= 0 && rows.length < 300; at--) {
      const row = films.order[at];
      const [x, y] = [films.x[row], films.y[row]];
      if (x >= left && x <= right && y <= top && y >= low && (!mask || mask[row])) rows.push(row);
    }
    return rows;
  }

  drawLines() {
    const { context, films, view, theme } = this;
    const [x, y] = this.at(this.film);
    const similarity = films.similarityOf(this.film);
    context.strokeStyle = css(theme.accent);
    films.neighborsOf(this.film).forEach((row, number) => {
      const strength = Math.max(0, similarity[number] / 127);
      context.globalAlpha = 0.25 + 0.6 * strength;
      context.lineWidth = 0.8 + 1.6 * strength;
      const [toX, toY] = this.at(row);
      const begin = Math.min(1, (this.radius(this.film) + 3) / Math.hypot(toX - x, toY - y));
      context.beginPath();
      context.moveTo(x + (toX - x) * begin, y + (toY - y) * begin);
      context.lineTo(toX, toY);
      context.stroke();
    });
    context.globalAlpha = 1;
    this.ring(this.film, theme.accent, 2.5, 3);
  }

  drawYou() {
    const [x, y] = this.view.toScreen(...this.you);
    this.context.beginPath();
    for (const [right, down] of [[0, -9], [9, 0], [0, 9], [-9, 0]]) this.context.lineTo(x + right, y + down);
    this.context.closePath();
    this.fill(this.theme.accent, 2);
    this.write("You", x + 13, y, this.theme.accent);
    return { left: x - 10, right: x + 40, top: y - 10, bottom: y + 10 };
  }

  disc(row, least) {
    this.context.beginPath();
    this.context.arc(...this.at(row), Math.max(least, this.radius(row)), 0, 7);
    this.fill(this.colors[this.shade[row]], 1);
  }

  fill(color, edge) {
    const { context, theme } = this;
    Object.assign(context, { fillStyle: css(color), strokeStyle: css(theme.paper), lineWidth: edge });
    context.fill();
    context.stroke();
  }

  ring(row, color, width, gap) {
    const { context } = this;
    context.beginPath();
    context.arc(...this.at(row), this.radius(row) + gap, 0, 7);
    Object.assign(context, { strokeStyle: css(color), lineWidth: width });
    context.stroke();
  }

  write(text, x, y, color) {
    const { context, theme } = this;
    const fillStyle = css(color);
    Object.assign(context, { fillStyle, strokeStyle: css(theme.paper), lineWidth: 3.5, lineJoin: "round" });
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }

  // -- moving -------------------------------------------------------------------------------------------------------

  // Position and size of a film on the canvas, in CSS pixels.
  at(row) {
    return this.view.toScreen(this.films.x[row], this.films.y[row]);
  }

  radius(row) {
    return this.radii[this.films.size[row]] / this.view.ratio;
  }

  fly(x, y, scale) {
    cancelAnimationFrame(this.flight);
    const { view } = this;
    const from = { x: view.x, y: view.y, scale: view.scale };
    const begin = performance.now();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (time) => {
      const part = isStill ? 1 : Math.min(1, Math.max(0, (time - begin) / FLIGHT));
      const eased = 1 - (1 - part) ** 3;
      const now = { x: from.x + (x - from.x) * eased, y: from.y + (y - from.y) * eased };
      view.move(now.x, now.y, from.scale * (scale / from.scale) ** eased);
      this.redraw();
      if (part < 1) this.flight = requestAnimationFrame(step);
    };
    step(begin);
  }

  // Moves the map if a film is outside the window.
  show(row) {
    const { view, films } = this;
    const [x, y] = this.at(row);
    const seen = x > 30 && y > 30 && x < view.width - 30 && y < view.height - 30;
    if (!seen) this.fly(films.x[row], films.y[row], view.scale);
  }

  // Fits a film and the films most similar to it into the window.
  frame(row) {
    const { view, films } = this;
    const rows = [row, ...films.neighborsOf(row)];
    const [xs, ys] = [rows.map((one) => films.x[one]), rows.map((one) => films.y[one])];
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const across = Math.max(60, view.width - Math.min(200, view.width / 2)) / Math.max(right - left, 1e-6);
    const up = Math.max(60, view.height - Math.min(120, view.height / 2)) / Math.max(high - low, 1e-6);
    const scale = Math.max(view.whole, Math.min(across, up, view.whole * Math.max(5, Math.sqrt(films.n) / 6)));
    this.fly((left + right) / 2, (low + high) / 2, scale);
  }

  here(event) {
    const box = this.marks.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  // Films that fade beside a selected one can be pointed at; those that the legend hides cannot.
  under(at, reach = REACH) {
    return this.nearest(...this.view.toMap(...at), reach / this.view.scale, this.legend.lit?.mask);
  }

  press(event) {
    cancelAnimationFrame(this.flight);
    this.marks.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.here(event));
    this.isDrag = this.pointers.size > 1;
    this.isTouch = event.pointerType === "touch";
    this.pressed = this.here(event);
  }

  drag(event) {
    const [at, was] = [this.here(event), this.pointers.get(event.pointerId)];
    if (!was) {
      this.point(this.under(at), at);
      return;
    }
    this.isDrag ||= Math.hypot(at[0] - this.pressed[0], at[1] - this.pressed[1]) > 4;
    if (!this.isDrag) return;
    this.pointers.set(event.pointerId, at);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1] ?? null;
    const middle = ([x, y]) => (other ? [(x + other[0]) / 2, (y + other[1]) / 2] : [x, y]);
    const apart = ([x, y]) => (other ? Math.hypot(x - other[0], y - other[1]) || 1 : 1);
    const [from, to] = [middle(was), middle(at)];
    this.view.pan(to[0] - from[0], to[1] - from[1]);
    if (other) this.view.zoom(apart(at) / apart(was), ...to);
    this.point(-1);
    this.redraw();
  }

  // Selects on click, not at the end of a touch: otherwise the click after a touch would hit the opening panel.
  click(event) {
    if (!this.isDrag) this.choose(this.under(this.here(event), this.isTouch ? 2 * REACH : REACH));
  }

  wheel(event) {
    event.preventDefault();
    cancelAnimationFrame(this.flight);
    const pixels = event.deltaY * (event.deltaMode === 1 ? 20 : 1);
    this.view.zoom(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0016)), ...this.here(event));
    this.redraw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { view } = this;
    const arrows = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    if (arrows[event.key]) view.pan(...arrows[event.key]);
    else if (event.key === "+" || event.key === "=") view.zoom(1.4);
    else if (event.key === "-") view.zoom(1 / 1.4);
    else if (event.key === "0" || event.key === "Home") view.move(0, 0, view.whole);
    else if (event.key === "Enter" && this.hover >= 0) {
      this.choose(this.hover, { byKey: true });
      return;
    } else return;
    event.preventDefault();
    this.redraw();
    const middle = [view.width / 2, view.height / 2];
    const row = this.under(middle, Math.min(...middle) / 2);
    this.point(row, row < 0 ? null : this.at(row));
    if (row >= 0) this.said.textContent = this.named(row);
  }

  // -- films --------------------------------------------------------------------------------------------------------

  named(row) {
    return this.films.titles[row] + (this.films.year[row] ? ` (${this.films.year[row]})` : "");
  }

  facts(row) {
    const { films } = this;
    const ratings = films.count[row] === 1 ? "rating" : "ratings";
    return `Average ${films.mean[row].toFixed(2)} (${grouped(films.count[row])} ${ratings})`;
  }

  // Puts a ring around the film under the pointer and, given a position, a tooltip beside it; -1: none.
  point(row, at = null) {
    if (row !== this.hover) this.redraw(false);
    this.hover = row;
    this.marks.classList.toggle("on-film", row >= 0);
    this.tip.hidden = row < 0 || !at;
    if (this.tip.hidden) return;
    const { tip, view, stars } = this;
    const yours = stars.has(row) ? `; your rating: ${stars.get(row)}` : "";
    const lines = [this.films.genresOf(row).join(", "), this.facts(row) + yours].filter(Boolean);
    tip.replaceChildren(h("strong", {}, this.named(row)), ...lines.map((line) => h("span", {}, line)));
    const left = at[0] + 16 + tip.offsetWidth > view.width ? at[0] - 16 - tip.offsetWidth : at[0] + 16;
    const top = Math.min(at[1] + 14, view.height - tip.offsetHeight - 6);
    tip.style.transform = `translate(${Math.max(4, Math.round(left))}px, ${Math.round(top)}px)`;
  }

  // Selects a film, or none (-1): shows its facts, its neighbors, and lines to them.
  choose(row, { byKey = false, frame = false, note = "" } = {}) {
    const panel = this.panel.element;
    const hadFocus = panel.contains(document.activeElement);
    this.film = row;
    this.point(-1);
    this.light();
    if (row < 0) {
      if (hadFocus) this.marks.focus({ preventScroll: true });
      panel.hidden = true;
      this.resize();
      return;
    }
    panel.hidden = false;
    this.panel.fill(row, note);
    this.resize(); // the panel takes room from the map
    if (byKey || hadFocus) panel.querySelector("h2").focus();
    this.said.textContent = `${note} ${this.named(row)}: ${this.facts(row)}. ${this.films.k} similar films are listed.`.trim();
    if (frame) this.frame(row);
    else this.show(row);
  }
}

// Fills the element with a map and returns its interface: choose(row, options), at(row) -> CSS pixels from the corner of
// the canvas, titles() -> the boxes of the visible titles, updateYou(you), and say(text).
export function mount(element, data) {
  const map = new FilmMap(element, data);
  return {
    choose: (row, options) => map.choose(row, options),
    at: (row) => map.at(row),
    titles: () => map.boxes,
    updateYou: (you) => map.updateYou(you),
    say: (text) => map.legend.say(text),
  };
}
