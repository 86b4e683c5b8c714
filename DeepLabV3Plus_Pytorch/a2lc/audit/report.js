"use strict";
// The page of an audit: sorts, filters and answers its cards. Everything it knows stands in the page.
const data = JSON.parse(document.getElementById("audit-data").textContent);
const byId = (id) => document.getElementById(id);
const grid = document.querySelector(".masks");
const cards = [...grid.querySelectorAll("article")];
const answers = load(); // row of the queue -> [answer, seconds]
const undone = []; // [row, what it was before], newest last
let current = null;
let since = Date.now();

function load() {
  try { return JSON.parse(localStorage.getItem(data.key)) || {}; } catch { return {}; } // damaged or not allowed
}
function save() {
  try { localStorage.setItem(data.key, JSON.stringify(answers)); } catch { byId("saved").textContent = "not saved by this browser: download before you leave"; }
}
const visible = () => [...grid.querySelectorAll("article")].filter((card) => !card.hidden);

// ---- sorting and filtering
const ORDERS = {
  score: (a, b) => b.dataset.score - a.dataset.score || a.dataset.rank - b.dataset.rank,
  given: (a, b) => a.dataset.given.localeCompare(b.dataset.given) || a.dataset.rank - b.dataset.rank,
  predicted: (a, b) => a.dataset.predicted.localeCompare(b.dataset.predicted) || a.dataset.rank - b.dataset.rank,
  image: (a, b) => a.dataset.image.localeCompare(b.dataset.image) || a.dataset.rank - b.dataset.rank,
  pixels: (a, b) => b.dataset.pixels - a.dataset.pixels || a.dataset.rank - b.dataset.rank,
};
function arrange() {
  const [name, least, text] = [byId("class").value, Number(byId("score").value), byId("text").value.toLowerCase()];
  const [image, open] = [byId("image").value, byId("open").checked];
  for (const card of cards) {
    const { given, predicted, row } = card.dataset;
    card.hidden = !(
      (!name || name === given || name === predicted) && (!image || image === card.dataset.image) &&
      Number(card.dataset.score) >= least && card.textContent.toLowerCase().includes(text) &&
      (!open || (row !== undefined && !answers[row]))
    );
  }
  grid.append(...cards.slice().sort(ORDERS[byId("order").value]));
  byId("shown").textContent = `${visible().length} of ${cards.length} shown`;
}

// ---- answers
function show(card) {
  const given = answers[card.dataset.row];
  card.classList.toggle("answered", Boolean(given));
  for (const button of card.querySelectorAll("[data-answer]")) button.ariaPressed = String(given?.[0] === button.dataset.answer);
  const list = card.querySelector("select");
  if (list) list.value = given && data.classes.includes(given[0]) ? given[0] : "";
}
function count() {
  byId("count").textContent = `${Object.keys(answers).length} of ${data.rows.length} questions answered`;
}
function select(card) {
  if (!card) return;
  current?.classList.remove("current");
  current = card;
  since = Date.now();
  card.classList.add("current");
  card.scrollIntoView({ block: "nearest" });
}
function step(by) {
  const list = visible();
  select(current && list.includes(current) ? list[list.indexOf(current) + by] : list[0]);
}
function put(row, answer) {
  if (answer) answers[row] = answer; else delete answers[row];
  save();
  cards.filter((card) => card.dataset.row === row).forEach(show);
  count();
}
function answer(card, text) {
  const row = card?.dataset.row;
  if (row === undefined || !text) return;
  const seconds = card === current ? (Date.now() - since) / 1000 : null;
  undone.push([row, answers[row]]);
  put(row, [text, seconds]);
  select(card);
  step(1);
}
function undo() {
  const last = undone.pop();
  if (!last) return;
  put(...last);
  select(cards.find((card) => card.dataset.row === last[0]));
}
function filled() {
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = data.rows.map((row, index) => {
    const [text, seconds] = answers[index] || ["", null];
    return row.map((cell, column) => {
      if (data.columns[column] === "answer" && text) return quoted(data.written[text] ?? text);
      return quoted(data.columns[column] === "seconds" && seconds !== null ? seconds.toFixed(1) : cell);
    }).join(",");
  });
  return [data.columns.map(quoted).join(","), ...lines, ""].join("\r\n");
}
function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([filled()], { type: "text/csv" }));
  link.download = "queue_answered.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// ---- the whole image
function whole(card) {
  const [top, left, height, width] = card.dataset.box.split(" ");
  byId("whole").querySelector("img").src = data.images[card.dataset.image];
  Object.assign(byId("box").style, { top, left, height, width });
  byId("box").parentElement.style.width = `min(88vw, calc(78vh * ${card.dataset.aspect}))`;
  byId("which").textContent = card.dataset.image;
  byId("whole").showModal();
}

// ---- what people do
for (const card of cards) {
  const list = card.querySelector("select");
  for (const name of list ? data.classes : []) list.add(new Option(name, name));
  list?.addEventListener("change", () => { answer(card, list.value); list.blur(); });
  card.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.className === "whole") whole(card);
    else if (button) answer(card, button.dataset.answer);
    else if (event.target !== list) select(card);
  });
  show(card);
}
for (const id of ["class", "image", "score", "text", "order", "open"]) byId(id).addEventListener("input", arrange);
byId("download").addEventListener("click", download);
byId("undo").addEventListener("click", undo);
byId("whole").addEventListener("click", () => byId("whole").close());
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  y: () => answer(current, "yes"),
  p: () => answer(current, current?.dataset.predicted),
  v: () => answer(current, "void"),
  s: () => answer(current, "skip"),
  c: () => current?.querySelector("select")?.focus(),
  w: () => current && whole(current),
  u: undo,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select") || byId("whole").open) return;
  const action = KEYS[event.key.toLowerCase()];
  if (action) { event.preventDefault(); action(); }
});
count();
arrange();
