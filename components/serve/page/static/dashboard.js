/** The second tab: the data that the model learnt from and how it did, as far as the bundle tells. */

import { bars, matrix, sizePlot } from "./charts.js";
import { byId, element, name } from "./elements.js";
import { counted, number, percent } from "./format.js";

const MOST_CLASSES = 40; // Bars and rows before the fold.
const METRICS = {
  validation_accuracy: "Validation accuracy",
  validation_loss: "Validation loss",
  train_accuracy: "Training accuracy",
  train_loss: "Training loss",
  validation_macro_f1: "Validation macro F1",
  best_epoch: "Best epoch",
  train_samples: "Training samples",
  validation_samples: "Validation samples",
};

/** Show the tab; `found` is the answer of /dashboard, `examples` the pictures `{src, class, confidence}`. */
export function showDashboard(found, facts, examples) {
  const sections = [
    totals(found, facts),
    perClass(found),
    sizes(found, facts),
    samples(examples),
    metrics(facts.metrics),
    confusion(found),
    quality(found),
  ];
  byId("data").replaceChildren(...sections.filter(Boolean));
}

/** Say why there is no dashboard. */
export function showNoDashboard(words) {
  byId("data").replaceChildren(element("p", { class: "failed" }, words));
}

function panel(title, ...children) {
  return element("section", { class: "panel" }, element("h2", {}, title), ...children);
}

function totals({ totals: parts, classes }, { metrics: { validation_accuracy: accuracy } }) {
  const fact = (term, value) => element("div", {}, element("dt", {}, term), element("dd", {}, value));
  const facts = [
    fact("classes", number(classes.length)),
    ...Object.entries(parts).map(([part, total]) => fact(`${part} samples`, number(total))),
  ];
  if (Number.isFinite(accuracy)) facts.push(fact("validation accuracy", percent(accuracy)));
  return element("dl", { class: "facts" }, facts);
}

function perClass({ classes, totals: parts }) {
  const splits = Object.keys(parts);
  if (!splits.length)
    return panel(
      "Pictures per class",
      element("p", { class: "soft" }, "The bundle does not tell; it was made before bundles did."),
    );
  const count = (one) => splits.reduce((sum, part) => sum + one.samples[part], 0);
  const most = Math.max(1, ...classes.map(count));
  const row = (one) => ({
    label: one.name,
    parts: splits.map((part, index) => [one.samples[part], index ? "other" : "first"]),
    value: splits.map((part) => number(one.samples[part])).join(" + "),
  });
  const legend = element(
    "p",
    { class: "legend" },
    splits.map((part, index) => element("span", { class: index ? "other" : "" }, part)),
  );
  const sorted = [...classes].sort((one, other) => count(other) - count(one));
  return panel(
    "Pictures per class",
    legend,
    bars(sorted.slice(0, MOST_CLASSES).map(row), most),
    folded(sorted.slice(MOST_CLASSES), (rest) => bars(rest.map(row), most)),
  );
}

function folded(rest, chart) {
  return rest.length
    ? element("details", {}, element("summary", {}, counted(rest.length, "more class")), chart(rest))
    : null;
}

function sizes({ sizes: found }, { image_size: side }) {
  if (!found) return null;
  const range = ({ min, median, max }) =>
    min === max ? `${number(min)} px` : `${number(min)} to ${number(max)} px, median ${number(median)}`;
  const words = `Width ${range(found.width)}; height ${range(found.height)}. The dashed square is what the model sees: ${side} × ${side}.`;
  return panel("Sizes", element("p", { class: "soft" }, words), sizePlot(found.counts, side));
}

function samples(examples) {
  if (!examples.length) return null;
  const figures = examples.map((one, index) =>
    element(
      "figure",
      {},
      element("img", { src: one.src, alt: `Example ${index + 1}` }),
      element(
        "figcaption",
        {},
        element("span", { class: "soft" }, "model says"),
        name(one.class, 60),
        element("span", { class: "soft" }, percent(one.confidence)),
      ),
    ),
  );
  return panel(
    "Samples",
    element("p", { class: "soft" }, "Real pictures that travel in the bundle, and what the model must say of them."),
    element("div", { class: "gallery" }, figures),
  );
}

function metrics(found) {
  const rows = Object.entries(found).filter(([, value]) => Number.isFinite(value));
  if (!rows.length) return null;
  const words = (key, value) => (/accuracy|f1|precision|recall/.test(key) ? percent(value) : number(value));
  const pairs = rows.flatMap(([key, value]) => [
    element("dt", {}, METRICS[key] ?? key.replaceAll("_", " ")),
    element("dd", {}, words(key, value)),
  ]);
  return panel(
    "Metrics",
    element("dl", { class: "pairs" }, pairs),
    element(
      "p",
      { class: "soft" },
      "The validation samples chose the epoch that was kept; the test step's report says how well it does on unseen ones.",
    ),
  );
}

function confusion({ classes, confusion_matrix: counts, confusions }) {
  if (!counts && !confusions.length) return null;
  const explained = element(
    "p",
    { class: "soft" },
    "Rows are the true classes, columns the model's answers, on the validation samples; outlined cells are right.",
  );
  const shown = counts
    ? [
        explained,
        element(
          "div",
          { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix" },
          matrix(
            classes.map((one) => one.name),
            counts,
          ),
        ),
      ]
    : [];
  return panel("Confusion matrix", ...shown, mistakes(confusions));
}

function mistakes(confusions) {
  if (!confusions.length) return element("p", { class: "soft" }, "No validation sample was taken for another class.");
  const rows = confusions.map(({ truth, predicted, count, rate }) =>
    element(
      "tr",
      {},
      element("td", {}, name(truth, 60)),
      element("td", {}, name(predicted, 60)),
      element("td", { class: "n" }, number(count)),
      element("td", { class: "n" }, percent(rate)),
    ),
  );
  const head = element(
    "tr",
    {},
    ["True class", "Taken for"].map((one) => element("th", { scope: "col" }, one)),
    ["Samples", "Of the class"].map((one) => element("th", { scope: "col", class: "n" }, one)),
  );
  const table = element("table", { class: "wide" }, element("thead", {}, head), element("tbody", {}, rows));
  return element(
    "details",
    { open: confusions.length <= 5 },
    element("summary", {}, "Mistakes, the most frequent first"),
    element("div", { class: "scroll" }, table),
  );
}

function quality({ per_class: classes }) {
  const rated = classes.filter((one) => Number.isFinite(one.recall)).sort((one, other) => one.f1 - other.f1);
  if (!rated.length) return null;
  const table = (some) => {
    const head = element(
      "tr",
      {},
      element("th", { scope: "col" }, "Class"),
      ["Precision", "Recall", "F1"].map((one) => element("th", { scope: "col", class: "n" }, one)),
    );
    const rows = some.map((one) =>
      element(
        "tr",
        {},
        element("td", {}, name(one.class_name, 60)),
        [one.precision, one.recall, one.f1].map((share) => element("td", { class: "n" }, percent(share))),
      ),
    );
    return element(
      "div",
      { class: "scroll" },
      element("table", { class: "wide" }, element("thead", {}, head), element("tbody", {}, rows)),
    );
  };
  return panel(
    "Per class, on the validation samples",
    table(rated.slice(0, MOST_CLASSES)),
    folded(rated.slice(MOST_CLASSES), table),
  );
}
