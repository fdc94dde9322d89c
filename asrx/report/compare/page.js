// Sorts and filters the tables of a comparison, and shows a system in all figures. The page is complete without it.
"use strict";

// everything that stands for a system, by its data-system
const parts = new Map();
for (const part of document.querySelectorAll("[data-system]")) {
  const system = part.dataset.system;
  parts.set(system, [...(parts.get(system) ?? []), part]);
}
const rows = [...document.querySelectorAll("table.ranking tbody tr")];

let shown = null;
function show(system) {
  if (system === shown) return;
  for (const part of parts.get(shown) ?? []) part.classList.remove("shown");
  for (const part of parts.get(system) ?? []) part.classList.add("shown");
  document.body.classList.toggle("pointing", system !== null);
  shown = system;
}
function systemOf(node) {
  return node.closest("[data-system]")?.dataset.system ?? null;
}
document.addEventListener("pointerover", (event) => show(systemOf(event.target)));
document.addEventListener("focusin", (event) => show(systemOf(event.target)));
document.addEventListener("focusout", () => show(null));
for (const row of rows) row.tabIndex = 0;

// what a cell is sorted by: a number, a text, or nothing; nothing comes last, both ways
function rank(cell) {
  const text = cell.textContent.trim();
  if (cell.dataset.value !== undefined) return [0, Number(cell.dataset.value), text];
  return [text === "-" || text === "" ? 2 : 1, 0, text];
}
function ordered(column, way) {
  return (one, other) => {
    const [kind, number, text] = rank(one.cells[column]);
    const [otherKind, otherNumber, otherText] = rank(other.cells[column]);
    if (kind !== otherKind && (kind === 2 || otherKind === 2)) return kind - otherKind;
    return way * (kind - otherKind || number - otherNumber || text.localeCompare(otherText, "en", { numeric: true }));
  };
}
for (const table of document.querySelectorAll("table.ranking")) {
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(ordered(column, down ? -1 : 1)));
    });
  }
}

// a system stays where its name, state and parameters hold all the words
const filter = document.getElementById("filter");
const count = filter.querySelector("output");
const field = filter.querySelector("input");
function sift() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const row of rows) {
    const text = `${row.cells[0].textContent} ${row.dataset.words}`.toLowerCase();
    const stays = words.every((word) => text.includes(word));
    left += stays;
    row.hidden = !stays;
    for (const part of parts.get(row.dataset.system)) part.classList.toggle("out", !stays);
  }
  count.textContent = `${left} of ${rows.length}`;
}
field.addEventListener("input", sift);
filter.hidden = false;
sift();
