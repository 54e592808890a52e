"use strict";
// Searching without a server: see publish/site_search.py for what lies in the files that are loaded here.
const UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f\u3031-\u303c\u3041-\u30fa\u30fc-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\u{16fe0}-\u{1b16f}\u{20000}-\u{3ffff}";
const LETTER = `[[\\p{L}\\p{N}]--[${UNSPACED}]]`;
const MARKS = /[\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]/gv;
const RUN = new RegExp(`[${UNSPACED}]+|${LETTER}+`, "gv");
const IS_UNSPACED = new RegExp(`^[${UNSPACED}]`, "v");
const FORMAT = 3, LONGEST_WORD = 32, SHOWN = 20, AHEAD = 6, AROUND = 160;
const CAN_FETCH = location.protocol.startsWith("http");

const files = new Map();
const values = new Map();
globalThis.arrived = (name, value) => values.set(name, value);

function load(name) {
  if (!files.has(name)) {
    files.set(name, new Promise((done) => {
      const script = document.createElement("script");
      script.src = `search/${name}.js?${FORMAT}`; // so that none that is left of another format is taken for ours
      script.onload = () => { done(values.get(name)); values.delete(name); };
      script.onerror = () => done(undefined);
      document.head.append(script);
    }));
  }
  return files.get(name);
}

function folded(text) {
  const plain = text.normalize("NFKD").replace(MARKS, "").toLowerCase();
  return plain.replaceAll("ß", "ss").replaceAll("ς", "σ").normalize("NFC");
}

// A query: phrases that must all be there, each a row of runs; a word outside quotation marks may go on.
function parsed(text) {
  const chunks = folded(text).matchAll(/"([^"]*)"|“([^“”]*)”|(\S+)/g);
  return [...chunks].map(([, quoted, curly, bare]) => {
    const runs = (quoted ?? curly ?? bare).match(RUN) ?? [];
    return { runs, open: bare !== undefined && runs.length > 0 && !IS_UNSPACED.test(runs.at(-1)) };
  }).filter((phrase) => phrase.runs.length);
}

function pattern({ runs, open }) {
  const before = IS_UNSPACED.test(runs[0]) ? "" : `(?<!${LETTER})`;
  const after = IS_UNSPACED.test(runs.at(-1)) || open ? "" : `(?!${LETTER})`;
  return new RegExp(before + runs.join("[^\\p{L}\\p{N}]*") + after, "gv");
}

// Terms to look up: pairs of UTF-16's units, and words, each whole or, of `open`, as a beginning.
function wanted(phrases, prefix) {
  const terms = new Map();
  for (const { runs, open } of phrases) {
    runs.forEach((run, place) => {
      if (IS_UNSPACED.test(run)) {
        for (let i = 0; i + 1 < run.length; i++) terms.set(run.slice(i, i + 2), { pair: true });
      } else {
        const characters = [...run], word = characters.slice(0, LONGEST_WORD).join("");
        terms.set(word, { open: open && place === runs.length - 1 && characters.length >= prefix });
      }
    });
  }
  return terms;
}

function segments({ count, levels }) {
  const found = [];
  let start = 0;
  for (const [size, shards] of levels) {
    for (; count - start >= size; start += size) found.push({ size, shards, start });
  }
  const [size, shards] = levels.at(-1);
  if (start < count) found.push({ size, shards, start });
  return found.reverse();
}

// The number of the cell that a term is in, those of words before those of pairs, and whether an entry's line there has
// it, or a word that begins as it.
function placed(term, { pair, open }, { bounds, cells }) {
  if (!pair) {
    const written = open ? ` ${term}` : ` ${term} `;
    return { cell: bounds.filter((bound) => bound <= term).length, has: (line) => ` ${line}`.includes(written) };
  }
  const words = bounds.length + 1, first = term.charCodeAt(0), second = term.charCodeAt(1);
  const written = btoa(String.fromCharCode(first >> 8, second >> 8, second & 255)).replaceAll("/", "_");
  const has = (line) => {
    let at = line.indexOf(written);
    while (at % written.length > 0) at = line.indexOf(written, at + 1);
    return at >= 0;
  };
  return { cell: words + (first ^ second) % (cells - words), has };
}

function numbers(shard, place, has, { start }, { count }) {
  const lines = shard ? shard.split("/")[place].split("|") : [];
  return new Set([...lines.keys()].filter((i) => start + i < count && has(lines[i])).map((i) => start + i));
}

async function* hits(terms, manifest) {
  const all = segments(manifest), count = manifest.cells;
  const wanted = [...terms].map(([term, kind]) => placed(term, kind, manifest));
  const shards = ({ size, shards: spread, start }) => Promise.all(wanted.map(({ cell }) => {
    const shard = Math.floor(cell * spread / count);
    return load(`${size}/${String(start / size).padStart(6, "0")}.${String(shard).padStart(3, "0")}`);
  }));
  for (const [place, segment] of all.entries()) {
    all.slice(place, place + AHEAD).forEach(shards);
    const texts = await shards(segment), cells = count / segment.shards;
    const sets = wanted.map(({ cell, has }, i) => numbers(texts[i], cell % cells, has, segment, manifest));
    sets.sort((a, b) => a.size - b.size);
    yield* [...sets[0]].filter((number) => sets.every((set) => set.has(number))).sort((a, b) => b - a);
  }
}

// Where patterns stand in a text: begin and end of each place, in order, merged where they touch.
function marks(text, patterns) {
  let whole = "";
  const places = [];
  for (let at = 0; at < text.length;) {
    const character = String.fromCodePoint(text.codePointAt(at));
    const plain = character < "\x80" ? character.toLowerCase() : folded(character);
    for (let i = 0; i < plain.length; i++) places.push([at, at + character.length]);
    whole += plain;
    at += character.length;
  }
  const found = patterns.map((one) => [...whole.matchAll(one)]);
  if (found.some((one) => !one.length)) return null;
  const spans = found.flat().map((hit) => [places[hit.index][0], places[hit.index + hit[0].length - 1][1]]);
  const merged = [];
  for (const [begin, end] of spans.sort((a, b) => a[0] - b[0])) {
    if (merged.length && begin <= merged.at(-1)[1]) merged.at(-1)[1] = Math.max(merged.at(-1)[1], end);
    else merged.push([begin, end]);
  }
  return merged;
}

function marked(text, places, start, stop) {
  const parts = [start > 0 ? "…" : ""];
  let at = start;
  for (const [begin, end] of places) {
    if (begin < start || end > stop) continue;
    const hit = document.createElement("mark");
    hit.textContent = text.slice(begin, end);
    parts.push(text.slice(at, begin), hit);
    at = end;
  }
  return [...parts, text.slice(at, stop), stop < text.length ? "…" : ""];
}

// The text of a reading page: it tells whether the phrases stand there as they were asked for, and where.
async function textOf(page) {
  const answer = await fetch(page);
  if (!answer.ok) return null;
  const article = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("article");
  const content = article?.querySelector(".content");
  if (!content) return null;
  for (const block of article.querySelectorAll("p, div, li, h1, h2, h3, h4, h5, h6, td, th, dt, dd, figcaption, br")) {
    block.before(" ");
    block.after(" ");
  }
  const said = (element) => (element?.textContent ?? "").replace(/\s+/g, " ").trim();
  return [said(content), said(article.querySelector(".versions"))].join(" ").trim();
}

function card(row, summary, patterns) {
  const [page, day, title, , language] = row;
  const made = (name, attributes, ...inside) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...inside);
    return element;
  };
  const found = patterns.flatMap((one) => marks(title, [one]) ?? []).sort((a, b) => a[0] - b[0]);
  const apart = found.filter(([begin], i) => i === 0 || begin >= found[i - 1][1]);
  return made("li", { class: "card", lang: language ?? "", dir: "auto" },
    made("h3", { dir: "auto" }, made("a", { href: page }, ...marked(title, apart, 0, title.length))),
    made("p", { class: "summary", dir: "auto" }, ...summary),
    made("p", { class: "facts" }, made("time", { datetime: day }, day)));
}

// What a result shows, or null if the phrases are not there after all.
async function result(row, patterns) {
  const [page, , title, start] = row;
  const text = CAN_FETCH ? await textOf(page).catch(() => null) : null;
  if (text === null) return card(row, [start], patterns);
  const places = marks(`${title}\n${text}`, patterns);
  if (!places) return null;
  const shift = title.length + 1;
  const inside = places.filter(([begin]) => begin >= shift).map(([begin, end]) => [begin - shift, end - shift]);
  const from = inside.length ? Math.max(0, inside[0][0] - AROUND / 4) : 0;
  return card(row, marked(text, inside, from, Math.min(text.length, from + AROUND)), patterns);
}

let latest = 0;

const list = document.getElementById("results"), more = document.getElementById("more");
const status = document.getElementById("status");

async function search(text) {
  const mine = ++latest;
  list.replaceChildren();
  more.hidden = true;
  const phrases = parsed(text), patterns = phrases.map(pattern);
  status.textContent = "";
  if (!phrases.length) return;
  const manifest = await load("index");
  if (mine !== latest) return;
  if (manifest?.format !== FORMAT) {
    status.textContent = manifest ? "This page is older than what it searches. Reload it."
      : "The search index could not be loaded.";
    return;
  }
  const terms = wanted(phrases, manifest.prefix);
  if (!terms.size) { status.textContent = "Type two characters or more."; return; }
  status.textContent = "Searching …";
  const found = hits(terms, manifest), seen = new Set();
  const next = async () => {
    more.hidden = true;
    list.ariaBusy = "true";
    const until = list.children.length + SHOWN;
    let done = false;
    while (!done && list.children.length < until) {
      const batch = [];
      while (batch.length < until - list.children.length) {
        const { value: number, done: end } = await found.next();
        if (end) { done = true; break; }
        const block = await load(`entries/${String(Math.floor(number / manifest.block)).padStart(6, "0")}`);
        const row = block?.[number % manifest.block];
        if (row && !seen.has(row[0])) { seen.add(row[0]); batch.push(result(row, patterns)); }
      }
      const cards = (await Promise.all(batch)).filter(Boolean);
      if (mine !== latest) return;
      list.append(...cards);
    }
    const shown = list.children.length;
    status.textContent = shown === 0 ? `Nothing found for “${text.trim()}”.`
      : done ? `${shown} ${shown === 1 ? "result" : "results"}, the newest first.`
      : `The newest ${shown} results.`;
    more.hidden = done;
    list.ariaBusy = "false";
  };
  more.onclick = async () => {
    const before = list.children.length;
    await next();
    list.children[before]?.querySelector("a")?.focus();
  };
  await next();
}

const form = document.querySelector("form[role=search]"), field = form.elements.q;
const asked = () => new URLSearchParams(location.search).get("q") ?? "";
function show() {
  field.value = asked();
  document.title = asked() ? `${asked()} – Search` : "Search";
  search(asked());
}
addEventListener("popstate", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.pushState(null, "", `?q=${encodeURIComponent(field.value)}`);
  show();
});
if (!asked()) field.focus();
show();
