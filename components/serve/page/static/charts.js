/** Charts: bars, a scatter plot of sizes, and a matrix. Widths are set by script, as the page's policy wants it. */

import { drawn, element, name } from "./elements.js";
import { number, percent } from "./format.js";

/** Return bars: each row is `{label, parts: [[amount, class], …], value: text}`, the full width means `most`. */
export function bars(rows, most) {
  const list = element("div", { class: "bars", role: "list" });
  for (const { label, parts, value } of rows) {
    const track = element(
      "div",
      { class: "track", "aria-hidden": "true" },
      parts.map(([amount, kind]) => bar(amount / most, kind)),
    );
    const row = element(
      "div",
      { role: "listitem", class: "bar" },
      name(label),
      track,
      element("span", { class: "value" }, value),
    );
    list.append(row);
  }
  return list;
}

function bar(share, kind) {
  const made = element("i", { class: kind });
  made.style.width = `${Math.min(100, 100 * share)}%`;
  if (share > 0) made.style.minWidth = "2px";
  return made;
}

/** Return a plot of picture sizes, `[[width, height, count], …]`, each a disc as large as its count. `side` is the model's. */
export function sizePlot(sizes, side) {
  const [wide, high, edge, foot] = [440, 300, 52, 36];
  const most = Math.max(side, ...sizes.flatMap(([width, height]) => [width, height])) * 1.08;
  const commonest = Math.max(...sizes.map(([, , count]) => count));
  const x = (width) => edge + (width / most) * (wide - edge - 8);
  const y = (height) => high - foot - (height / most) * (high - foot - 8);
  const plot = drawn("svg", {
    viewBox: `0 0 ${wide} ${high}`,
    width: wide,
    role: "img",
    "aria-label": "Width and height of the pictures",
  });
  for (const tick of ticks(most)) {
    plot.append(
      drawn("line", { class: "grid", x1: x(0), x2: wide - 8, y1: y(tick), y2: y(tick) }),
      drawn("text", { x: edge - 6, y: y(tick) + 4, "text-anchor": "end" }, number(tick)),
      drawn("text", { x: x(tick), y: high - foot + 16, "text-anchor": "middle" }, number(tick)),
    );
  }
  plot.append(drawn("rect", { class: "side", x: x(0), y: y(side), width: x(side) - x(0), height: y(0) - y(side) }));
  for (const [width, height, count] of sizes) {
    const dot = drawn("circle", {
      class: "dot",
      cx: x(width),
      cy: y(height),
      r: 3 + 11 * Math.sqrt(count / commonest),
    });
    dot.append(drawn("title", {}, `${width} × ${height}: ${number(count)}`));
    plot.append(dot);
  }
  plot.append(drawn("text", { x: (edge + wide) / 2, y: high - 2, "text-anchor": "middle" }, "width in pixels"));
  plot.append(
    drawn(
      "text",
      { x: -(high - foot) / 2, y: 12, transform: "rotate(-90)", "text-anchor": "middle" },
      "height in pixels",
    ),
  );
  return plot;
}

function ticks(most) {
  const magnitude = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((part) => part * magnitude).find((one) => most / one <= 5);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => Math.round(index * step * 100) / 100);
}

/** Return a confusion matrix as a table: rows are the truth, columns what the model said, shade is the share of the row. */
export function matrix(names, counts) {
  const head = element(
    "tr",
    {},
    element("td"),
    names.map((one) => element("th", { scope: "col" }, name(one, 24))),
  );
  const rows = counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, said) =>
      cell(count, total, truth === said, `${names[truth]}, model said ${names[said]}`),
    );
    return element("tr", {}, element("th", { scope: "row" }, name(names[truth], 24)), cells);
  });
  const caption = element(
    "caption",
    { class: "unseen" },
    "Confusion matrix: rows are the true classes, columns the model's answers",
  );
  return element("table", { class: "matrix" }, caption, element("thead", {}, head), element("tbody", {}, rows));
}

function cell(count, total, right, title) {
  const share = total ? count / total : 0;
  const made = element(
    "td",
    { class: right ? "right" : "", title: `${title}: ${number(count)} (${percent(share)})` },
    count ? number(count) : "",
  );
  if (count) made.style.background = `rgb(var(--heat) / ${Math.round(8 + 62 * share)}%)`;
  return made;
}
