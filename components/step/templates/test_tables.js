/** What the tables do: cells and rows open their images, columns sort, the slider reads the coverage curve. */

/** Open the images of one cell of the confusion matrix; `count` is how many there are in all. */
function openCell(label, predicted, count) {
  const list = samples.filter((sample) => sample.label === label && sample.predicted === predicted).sort(ORDERS["loss-down"]);
  const shown = list.length < count ? ` (${list.length} of ${count} are in this report)` : "";
  openViewer(list, 0, "Labelled ", className(label), ", predicted ", className(predicted), shown);
}

/** Open what is labelled `label` and predicted as something else. */
function openMistakes(label) {
  const list = samples.filter((sample) => sample.label === label && !isRight(sample)).sort(ORDERS["loss-down"]);
  openViewer(list, 0, "Labelled ", className(label), ", predicted as another class");
}

for (const button of document.querySelectorAll("[data-cell]")) {
  const [label, predicted, count] = button.dataset.cell.split(",").map(Number);
  button.addEventListener("click", () => openCell(label, predicted, count));
}
for (const button of document.querySelectorAll("[data-mistakes]")) {
  button.addEventListener("click", () => openMistakes(Number(button.dataset.mistakes)));
}

/** Lists that the page itself draws: each button gets its picture and opens the viewer on the list. */
for (const container of document.querySelectorAll("[data-list]")) {
  const buttons = [...container.querySelectorAll("[data-sample]")];
  const list = buttons.map((button) => samples[Number(button.dataset.sample)]);
  buttons.forEach((button, at) => {
    button.prepend(picture(list[at].picture, ""));
    button.addEventListener("click", () => openViewer(list, at, container.dataset.list));
  });
}
for (const frame of document.querySelectorAll("[data-picture]")) {
  frame.replaceChildren(picture(report.pictures[Number(frame.dataset.picture)] ?? "", ""));
}

/** The matrix is one stop of the Tab key; arrows move in it. */
function walkMatrix(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  table.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell) return;
    event.preventDefault();
    let [row, column] = [rows.findIndex((cells) => cells.includes(cell)), rows.find((cells) => cells.includes(cell)).indexOf(cell)];
    let next = null;
    while (!next && rows[row + step[0]]?.[column + step[1]]) {
      [row, column] = [row + step[0], column + step[1]];
      next = rows[row][column].querySelector("button");
    }
    if (!next) return;
    for (const button of table.querySelectorAll("button")) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  });
  table.querySelectorAll("td button").forEach((button, index) => { button.tabIndex = index ? -1 : 0; });
}

for (const table of document.querySelectorAll("table.matrix")) walkMatrix(table);
for (const button of document.querySelectorAll("[data-shows]")) {
  button.addEventListener("click", () => {
    byId("matrix").dataset.unit = button.dataset.shows;
    for (const other of document.querySelectorAll("[data-shows]")) other.setAttribute("aria-pressed", String(other === button));
  });
}

/** Sort the rows of `table` by a column's data-value; a second click turns the order. */
function sortRows(table, column, heading) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = (row) => row.cells[column].dataset.value;
  const compare = (a, b) => (isNaN(a) || isNaN(b) ? (a < b ? -1 : a > b ? 1 : 0) : a - b);
  const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? -1 : 1) * compare(value(a), value(b)));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    heading.querySelector("button")?.addEventListener("click", () => sortRows(table, column, heading));
  });
}
for (const button of document.querySelectorAll("[data-unfold]")) {
  button.addEventListener("click", () => {
    byId(button.dataset.unfold).classList.remove("folded");
    button.hidden = true;
  });
}

/** Say what refusing all answers below the slider's threshold would do, and mark it on the curve. */
function readThreshold() {
  const wanted = Number(byId("threshold").value);
  const curve = report.coverage; // By falling threshold: the last that is high enough answers most.
  const at = curve.threshold.filter((threshold) => threshold >= wanted).length - 1;
  const mark = byId("coverage-mark");
  mark.toggleAttribute("hidden", at < 0);
  const [share, right] = at < 0 ? [0, 0] : [curve.coverage[at], curve.accuracy[at]];
  const rest = at < 0 ? "no image is answered." : `${percent(share)} of the images are answered, ${percent(right)} of these rightly.`;
  byId("threshold-words").textContent = `Below ${percent(wanted)}: ${rest}`;
  mark.setAttribute("cx", Number(mark.dataset.left) + share * Number(mark.dataset.wide));
  mark.setAttribute("cy", Number(mark.dataset.bottom) - (right - Number(mark.dataset.low)) * Number(mark.dataset.tall));
}

byId("threshold").addEventListener("input", readThreshold);
readThreshold();

/** A link within the page: in a frame without an address of its own the browser would leave the page. */
for (const link of document.querySelectorAll("nav a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const section = document.querySelector(link.getAttribute("href"));
    section.scrollIntoView();
    section.focus({ preventScroll: true });
  });
}
