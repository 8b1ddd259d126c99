"use strict";
document.documentElement.classList.add("js");
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

// Tables: a press on a heading sorts by its column, numbers from large to small first; cells without a value stay last.
for (const table of all("table.sortable")) {
  const body = table.tBodies[0];
  const headings = all("th", table.tHead.rows[table.tHead.rows.length - 1]);
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = (cell?.dataset.sort ?? cell?.textContent ?? "").trim();
    if (text === "" || text === "–") return null;
    return Number.isNaN(Number(text)) ? text : Number(text);
  };
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const rows = [...body.rows];
      const numbers = rows.some((row) => typeof value(row, column) === "number");
      const before = heading.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numbers;
      const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
      rows.sort((one, other) => {
        const a = value(one, column), b = value(other, column);
        if (a === null || b === null) return (a === null) - (b === null);
        return down ? compare(b, a) : compare(a, b);
      });
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...rows);
    });
  });
}

// Confusions: one order and one unit for all of them; the cell that is looked at is put in words below.
const boxes = all(".confused");
for (const box of boxes) {
  const table = box.querySelector("table"), words = box.querySelector(".looked-at");
  const cells = all("td", table);
  cells.forEach((cell, number) => (cell.tabIndex = number ? -1 : 0));
  const look = (cell) => {
    cells.forEach((each) => { each.classList.toggle("looked", each === cell); each.tabIndex = each === cell ? 0 : -1; });
    const { i, j, n } = cell.dataset, row = cell.parentElement, of = Number(row.dataset.support);
    const share = of ? `${((100 * n) / of).toFixed(1)} %` : "no test video";
    const name = (k) => table.tHead.querySelector(`th[data-j="${k}"]`).textContent;
    words.textContent = i === j
      ? `${name(i)}: ${n} of ${of} recognised, ${share}`
      : `${name(i)}, taken for ${name(j)}: ${n} of ${of}, ${share}`;
  };
  table.addEventListener("pointerover", (event) => event.target.matches("td") && look(event.target));
  table.addEventListener("click", (event) => event.target.matches("td") && look(event.target));
  table.addEventListener("focusin", (event) => event.target.matches("td") && look(event.target));
  table.addEventListener("keydown", (event) => {
    const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (down === undefined || !event.target.matches("td")) return;
    const row = table.tBodies[0].rows[event.target.parentElement.sectionRowIndex + down];
    const next = row?.cells[event.target.cellIndex + across];
    if (next?.matches("td")) next.focus();
    event.preventDefault();
  });
}
const orders = {
  list: () => 0,
  name: (a, b) => a.dataset.name.localeCompare(b.dataset.name),
  support: (a, b) => b.dataset.support - a.dataset.support,
  recall: (a, b) => b.dataset.recall - a.dataset.recall,
};
const arrange = () => {
  const order = document.getElementById("order").value, unit = document.getElementById("unit").value;
  for (const box of boxes) {
    const table = box.querySelector("table");
    const rows = [...table.tBodies[0].rows].sort((a, b) => a.dataset.i - b.dataset.i).sort(orders[order]);
    table.tBodies[0].append(...rows);
    const places = rows.map((row) => row.dataset.i);
    for (const row of [table.tHead.rows[0], ...rows]) {
      const byClass = Object.fromEntries(all("[data-j]", row).map((cell) => [cell.dataset.j, cell]));
      row.append(...places.map((j) => byClass[j]));
    }
    for (const cell of all("td", table)) {
      const n = Number(cell.dataset.n), of = Number(cell.parentElement.dataset.support);
      cell.textContent = !n ? "" : unit === "counts" ? n : Math.round((100 * n) / of);
    }
  }
};
for (const id of ["order", "unit"]) document.getElementById(id)?.addEventListener("change", arrange);

// Films: they play under the mouse, on keyboard focus, and after a tap until the next. Who asked the system for less
// motion sees one frame more with every press instead.
const still = matchMedia("(prefers-reduced-motion: reduce)");
for (const film of all(".film")) {
  const { across, down } = film.dataset, frames = across * down;
  let at = -1, timer = 0, pinned = false;
  const show = (frame) => {
    at = frame;
    film.classList.toggle("playing", at >= 0);
    film.style.setProperty("--x", at % across);
    film.style.setProperty("--y", Math.floor(at / across));
    film.dataset.frame = `${at + 1} of ${frames}`;
  };
  const stop = () => { clearInterval(timer); timer = 0; pinned = false; show(-1); };
  const play = () => {
    if (timer || still.matches) return;
    show(0);
    timer = setInterval(() => show((at + 1) % frames), 170);
  };
  film.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && play());
  film.addEventListener("pointerleave", () => pinned || still.matches || stop());
  film.addEventListener("focus", () => film.matches(":focus-visible") && play());
  film.addEventListener("blur", stop);
  film.addEventListener("keydown", (event) => event.key === "Escape" && stop());
  film.addEventListener("click", () => {
    if (still.matches) return show(at + 1 < frames ? at + 1 : -1);
    if (pinned) return stop();
    play();
    pinned = true;
  });
}

// Features: a class of the legend, alone.
for (const button of all(".legend button")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    all(".legend button").forEach((each) => each.setAttribute("aria-pressed", on && each === button));
    all(".scatter path").forEach((path) => path.classList.toggle("dim", on && !path.classList.contains(button.dataset.k)));
  });
}

// On paper everything is unfolded and nothing moves.
addEventListener("beforeprint", () => {
  all("details:not([open])").forEach((each) => { each.open = true; each.dataset.folded = ""; });
  all(".film.playing").forEach((film) => film.classList.remove("playing"));
});
addEventListener("afterprint", () => all("details[data-folded]").forEach((each) => { each.open = false; delete each.dataset.folded; }));
