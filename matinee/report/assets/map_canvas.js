// The parts of the map of films: its columns, a search, colors, dots and titles. map.js puts them together.
//
// Dots are written directly into the pixels of an image, which is fast enough to move 60,000 of them in every frame.

export const THEMES = {
  light: {
    genres: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222"],
    other: "#a5a29a",
    sequence: ["#addc30", "#5ec962", "#28ae80", "#21918c", "#2c728e", "#3b528b", "#472d7b", "#3b0f57"],
    balance: ["#542788", "#8073ac", "#b2abd2", "#c9c4bb", "#f0a24a", "#d9700f", "#8c3f04"],
  },
  dark: {
    genres: ["#3f95dc", "#f0703a", "#1fb98c", "#e08fbf", "#f2b134", "#8fd0ff", "#f4f4f2"],
    other: "#6f727b",
    sequence: ["#46327e", "#3f4f8f", "#31688e", "#26838f", "#1f9d8a", "#6cce5a", "#b6de2b", "#fee825"],
    balance: ["#b79ef0", "#8f7fd0", "#6f679a", "#5b5a60", "#a86a2a", "#e08a2c", "#ffb95e"],
  },
};
const OPACITY = 224; // of 256
const MARGIN = 48; // pixels around the canvas; no disc reaches farther than half of it
const FADED = 0.86; // how far dots that are not highlighted blend into the background
export const SIZES = 16; // steps of size

// -- data -----------------------------------------------------------------------------------------------------------

const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array };

function column({ type, base64 }) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[type](bytes.buffer);
}

export function readFilms(data) {
  const films = { n: data.titles.length, ids: data.ids, genres: data.genres, nGroups: data.groups };
  for (const [name, packed] of Object.entries(data.columns)) films[name] = column(packed);
  films.k = films.n ? films.neighbors.length / films.n : 0;
  films.neighborsOf = (i) => films.neighbors.subarray(i * films.k, (i + 1) * films.k);
  films.similarityOf = (i) => films.likeness.subarray(i * films.k, (i + 1) * films.k); // 127 is a cosine of 1
  films.titles = data.titles.map((title) => title.split("\t", 1)[0]);
  films.label = (i) => (films.titles[i].length > 40 ? films.titles[i].slice(0, 39).trimEnd() + "…" : films.titles[i]);
  films.others = (i) => data.titles[i].split("\t")[1] || "";
  const genres = (i) => films.genre.subarray(films.genreStart[i], films.genreStart[i + 1]);
  films.genresOf = (i) => Array.from(genres(i), (genre) => films.genres[genre]);
  films.hasGenre = (i, genre) => genres(i).includes(genre);
  // Positions between -1 and 1, y upward, with the same unit on both axes.
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < films.n; i++) {
    left = Math.min(left, films.x[i]);
    right = Math.max(right, films.x[i]);
    low = Math.min(low, films.y[i]);
    high = Math.max(high, films.y[i]);
  }
  const half = Math.max(right - left, high - low) / 2 || 1;
  films.place = (x, y) => [(x - (left + right) / 2) / half, (y - (low + high) / 2) / half];
  for (let i = 0; i < films.n; i++) [films.x[i], films.y[i]] = films.place(films.x[i], films.y[i]);
  films.width = (right - left) / half;
  films.height = (high - low) / half;
  // From few ratings to many: a number that combines the count and the row sorts fast.
  const keys = Float64Array.from(films.count, (count, i) => count * films.n + i).sort();
  films.order = Uint32Array.from(keys, (key) => key % films.n);
  const most = films.n ? films.count[films.order[films.n - 1]] : 1;
  films.size = Uint8Array.from(films.count, (count) => Math.round(Math.sqrt(count / most) * (SIZES - 1)));
  return films;
}

// Finds the nearest dot, by the rows of each cell of a grid over the map.
export function makeGrid(films) {
  const side = Math.max(1, Math.ceil(Math.sqrt(films.n / 3)));
  const cell = (v) => Math.min(side - 1, Math.max(0, Math.floor(((v + 1) / 2) * side)));
  const starts = new Uint32Array(side * side + 1);
  const cells = Uint32Array.from(films.x, (x, i) => cell(films.y[i]) * side + cell(x));
  for (const c of cells) starts[c + 1]++;
  for (let c = 0; c < side * side; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  const rows = new Uint32Array(films.n);
  for (let i = 0; i < films.n; i++) rows[next[cells[i]]++] = i;
  return (x, y, reach, mask) => {
    let [best, nearest] = [-1, reach * reach];
    for (let cy = cell(y - reach); cy <= cell(y + reach); cy++) {
      for (let at = starts[cy * side + cell(x - reach)]; at < starts[cy * side + cell(x + reach) + 1]; at++) {
        const i = rows[at];
        const distance = (films.x[i] - x) ** 2 + (films.y[i] - y) ** 2;
        if (distance <= nearest && (!mask || mask[i])) [best, nearest] = [i, distance];
      }
    }
    return best;
  };
}

// Letters and digits without case and accents, with a space before each word.
const ODD_LETTERS = { ø: "o", ł: "l", đ: "d", ß: "ss", æ: "ae", œ: "oe", þ: "th", ð: "d", ı: "i" };
function folded(text) {
  const bare = text.toLowerCase().normalize("NFD").replace(/\p{M}|['’]/gu, "");
  return " " + bare.replace(/[øłđßæœþðı]/g, (c) => ODD_LETTERS[c]).replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

// The rows whose titles contain a word starting with each typed word: titles that start with the whole text first,
// then by number of ratings.
export function makeSearch(films) {
  let texts = null;
  return (typed, limit) => {
    texts ??= films.titles.map((title, i) => folded(`${title} ${films.others(i)} ${films.year[i] || ""}`));
    const whole = folded(typed);
    const words = whole.split(" ").filter(Boolean).map((word) => " " + word);
    if (!words.length) return [];
    const found = [];
    for (let at = films.n - 1; at >= 0; at--) {
      const text = texts[films.order[at]];
      const first = text.startsWith(whole) ? films.n : 0;
      if (words.every((word) => text.includes(word))) found.push([films.order[at], at + first]);
    }
    return found.sort((one, other) => other[1] - one[1]).slice(0, limit).map(([i]) => i);
  };
}

// -- the view -------------------------------------------------------------------------------------------------------

// The visible part of the map: its center, and CSS pixels per unit.
export class View {
  constructor(films) {
    Object.assign(this, { films, x: 0, y: 0, scale: 1, whole: 1, start: 1, width: 1, height: 1, ratio: 1 });
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2];
  }

  toMap(left, top) {
    return [(left - this.width / 2) / this.scale + this.x, this.y - (top - this.height / 2) / this.scale];
  }

  // `whole` is the scale that shows everything, with room for titles at the edges.
  resize(width, height) {
    const zoom = this.scale / this.whole;
    const { films } = this;
    const fits = (room, length) => Math.max(room, 60) / Math.max(length, 0.1);
    Object.assign(this, { width, height, ratio: Math.min(devicePixelRatio || 1, 2) });
    this.whole = Math.min(fits(width - Math.min(90, width / 8), films.width), fits(height - 80, films.height));
    // On a tall screen the whole map would be a strip: begin with its middle.
    const fill = Math.max(fits(width, films.width), fits(height - 80, films.height));
    this.start = height > 1.1 * width ? Math.min(fill, 1.8 * this.whole) : this.whole;
    this.most = this.whole * Math.min(600, Math.max(12, Math.sqrt(films.n) * 2));
    this.move(this.x, this.y, this.whole * zoom);
  }

  move(x, y, scale = this.scale) {
    this.scale = Math.min(this.most, Math.max(this.whole * 0.7, scale));
    const within = (v, room) => Math.min(1 + room, Math.max(-1 - room, v)); // the films stay in sight
    this.x = within(x, Math.max(0, this.width / 2 - 60) / this.scale);
    this.y = within(y, Math.max(0, this.height / 2 - 60) / this.scale);
  }

  pan(right, down) {
    this.move(this.x - right / this.scale, this.y + down / this.scale);
  }

  // Keeps the point under this position of the canvas in place.
  zoom(factor, left = this.width / 2, top = this.height / 2) {
    const [x, y] = this.toMap(left, top);
    this.move(this.x, this.y, this.scale * factor);
    const [nowX, nowY] = this.toMap(left, top);
    this.move(this.x + x - nowX, this.y + y - nowY);
  }
}

// -- colors --------------------------------------------------------------------------------------------------------

export const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const mix = (one, other, part) => one.map((v, i) => Math.round(v + (other[i] - v) * part));
export const css = (color) => `rgb(${color.join(" ")})`;

export function rampOf(stops, n) {
  const colors = stops.map(rgb);
  return Array.from({ length: n }, (_, i) => {
    const at = (i / (n - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return mix(colors[low], colors[low + 1], at - low);
  });
}

export const signed = (v) => (v > 0 ? "+" : v < 0 ? "−" : "±") + Math.abs(v).toFixed(2);
export const grouped = (n) => n.toLocaleString("en-US");

// Scales: for each row a position on a ramp of 255 colors (255: unknown), and five values to write beside the ramp.
// An even scale spreads the films evenly over the colors; a balanced one has 0 in the middle.
export function evenScale(values, isKnown, words) {
  const sorted = Float64Array.from(values.filter(isKnown)).sort();
  const last = Math.max(1, sorted.length - 1);
  const [first, end] = [new Map(), new Map()];
  sorted.forEach((value, at) => {
    if (!first.has(value)) first.set(value, at);
    end.set(value, at);
  });
  const step = (value) => Math.round(((first.get(value) + end.get(value)) / 2 / last) * 254);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => words(sorted[Math.round(part * (sorted.length - 1))]));
  return { shade: Uint8Array.from(values, (value) => (isKnown(value) ? step(value) : 255)), ticks };
}

export function balancedScale(values, words) {
  const most = values.reduce((high, value) => Math.max(high, Math.abs(value)), 1e-9);
  const ticks = [-1, -0.5, 0, 0.5, 1].map((part) => words(part * most));
  return { shade: Uint8Array.from(values, (value) => Math.round((value / most + 1) * 127)), ticks };
}

// -- dots -----------------------------------------------------------------------------------------------------------

// Draws discs with smooth edges into the pixels of one canvas. The image has a margin around the canvas, so that no
// disc has to be clipped.
export function makePainter(canvas, films) {
  const context = canvas.getContext("2d", { alpha: false });
  const { x: xs, y: ys, size: sizes, order, n } = films;
  let image = null;
  let pixels = null;
  let discs = [];
  let madeFor = "";

  // A disc whose center is some quarters of a pixel right of and below the corner of a pixel: its pixels, as offsets
  // from that one, and how much of each it covers, of 256.
  function disc(radius, quarters) {
    const reach = Math.ceil(radius + 1.5);
    const right = (quarters & 3) / 4 + 0.125;
    const down = (quarters >> 2) / 4 + 0.125;
    const [steps, cover] = [[], []];
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const inside = Math.min(1, radius + 0.5 - Math.hypot(x + 0.5 - right, y + 0.5 - down));
        if (inside < 0.02) continue;
        steps.push(y * image.width + x);
        cover.push(Math.round(inside * OPACITY * Math.min(1, radius / 0.8)));
      }
    }
    return { steps: Int32Array.from(steps), cover: Int32Array.from(cover) };
  }

  // Draws the films whose mask is `wanted`. One multiplication blends red and blue, as there is room between them.
  function paint(view, radii, { colors, shade, mask }, wanted) {
    const scale = view.scale * view.ratio;
    const left = (view.width / 2) * view.ratio + MARGIN;
    const top = (view.height / 2) * view.ratio + MARGIN;
    const [right, low] = [image.width - MARGIN / 2, image.height - MARGIN / 2];
    for (let at = 0; at < n; at++) {
      const row = order[at];
      if (mask && mask[row] !== wanted) continue;
      const x = (xs[row] - view.x) * scale + left;
      const y = (view.y - ys[row]) * scale + top;
      if (!(x > MARGIN / 2 && y > MARGIN / 2 && x < right && y < low)) continue;
      const [column, line] = [x | 0, y | 0];
      const shape = sizes[row] * 16 + ((((y - line) * 4) << 2) | ((x - column) * 4));
      const { steps, cover } = (discs[shape] ??= disc(radii[sizes[row]], shape & 15));
      const color = colors[shade[row]];
      const [redBlue, green] = [color & 0xff00ff, color & 0x00ff00];
      const middle = line * image.width + column;
      for (let p = 0; p < steps.length; p++) {
        const [pixel, part, rest] = [middle + steps[p], cover[p], 256 - cover[p]];
        const under = pixels[pixel];
        const rb = ((Math.imul(redBlue, part) + Math.imul(under & 0xff00ff, rest)) >>> 8) & 0xff00ff;
        const g = ((Math.imul(green, part) + Math.imul(under & 0x00ff00, rest)) >>> 8) & 0x00ff00;
        pixels[pixel] = 0xff000000 | rb | g;
      }
    }
  }

  const packed = ([r, g, b]) => 0xff000000 | (b << 16) | (g << 8) | r;

  // colors: [r, g, b] of each shade; shade: row -> its number; mask: row -> 1 for highlighted films, or null.
  return function draw(view, radii, { paper, colors, shade, mask }) {
    const width = Math.max(1, Math.round(view.width * view.ratio));
    const height = Math.max(1, Math.round(view.height * view.ratio));
    if (!image || canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      image = context.createImageData(width + 2 * MARGIN, height + 2 * MARGIN);
      pixels = new Int32Array(image.data.buffer);
    }
    const now = `${width} ${radii}`;
    if (now !== madeFor) [discs, madeFor] = [[], now];
    pixels.fill(packed(paper));
    if (mask) {
      const pale = Int32Array.from(colors, (color) => packed(mix(color, paper, FADED)));
      paint(view, radii, { colors: pale, shade, mask }, 0);
    }
    paint(view, radii, { colors: Int32Array.from(colors, packed), shade, mask }, 1);
    context.putImageData(image, -MARGIN, -MARGIN);
  };
}

// -- titles ---------------------------------------------------------------------------------------------------------

const TITLE_HEIGHT = 15; // CSS pixels

// Places titles beside their dots without overlap. Visible titles keep their side until the zoom or the highlighting
// changes, so that titles do not jump while the map is dragged.
export function makeLabels(films, context) {
  const widths = new Map();
  let kept = new Map(); // row -> side
  let keptFor = "";

  function widthOf(row) {
    if (!widths.has(row)) widths.set(row, context.measureText(films.label(row)).width);
    return widths.get(row);
  }

  // The box of a title on one side (right, left, above, below) of its dot at x and y, with a gap around the dot.
  function boxOf(row, side, x, y, gap) {
    const width = widthOf(row) + 4;
    const left = [x + gap - 2, x - gap - width + 2, x - width / 2, x - width / 2][side];
    const top = [y - TITLE_HEIGHT / 2, y - TITLE_HEIGHT / 2, y - gap - TITLE_HEIGHT + 2, y + gap - 2][side];
    return { row, left, top, right: left + width, bottom: top + TITLE_HEIGHT };
  }

  // rows: the candidates, best first; lit: a key for the highlighting. Boxes are in CSS pixels; obstacles stay clear.
  return function place(view, radii, { rows, lit, limit, obstacles }) {
    const now = `${view.scale} ${lit}`;
    if (now !== keptFor) [kept, keptFor] = [new Map(), now];
    const [boxes, taken, placed] = [[], [...obstacles], new Map()];
    const apart = (one, two) =>
      one.right < two.left || one.left > two.right || one.bottom < two.top || one.top > two.bottom;
    const inside = (box) => box.left >= 0 && box.right <= view.width && box.top >= 0 && box.bottom <= view.height;
    const inSight = (box) => box.right > 0 && box.left < view.width && box.bottom > 0 && box.top < view.height;
    for (const row of new Set([...kept.keys(), ...rows])) {
      if (boxes.length >= limit) break;
      const [x, y] = view.toScreen(films.x[row], films.y[row]);
      const gap = radii[films.size[row]] / view.ratio + 4;
      const sides = kept.has(row) ? [kept.get(row)] : [0, 1, 2, 3];
      for (const side of sides) {
        const box = boxOf(row, side, x, y, gap);
        if (!(kept.has(row) ? inSight(box) : inside(box)) || !taken.every((one) => apart(one, box))) continue;
        boxes.push(box);
        taken.push(box, { left: x - gap + 3, right: x + gap - 3, top: y - gap + 3, bottom: y + gap - 3 });
        placed.set(row, side);
        break;
      }
    }
    kept = placed;
    return boxes;
  };
}
