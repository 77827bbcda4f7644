/** What the model is: the head of the page, and its card. */

import { byId, element, name } from "./elements.js";
import { counted, megabytes, number, percent } from "./format.js";

const NAMED = 8; // Classes in the line under the title.

/** Show the model's name and its classes at the head of the page; `facts` are those of /card. */
export function showTitle({ model, class_names: classes, formats, limits }) {
  byId("model-name").textContent = `${model.name} ${model.version}`;
  document.title = `${model.name} ${model.version} · Pawline`;
  const rest = classes.length > NAMED ? ` and ${number(classes.length - NAMED)} more` : "";
  const shown = classes.slice(0, NAMED).flatMap((one, index) => (index ? [", ", name(one, 40)] : [name(one, 40)]));
  byId("model-line").replaceChildren(`Tells apart ${counted(classes.length, "class")}: `, ...shown, rest);
  byId("formats").textContent = `${formats.join(", ")}, up to ${megabytes(limits.max_body_bytes)}`;
}

/** Show the card; `dashboard` is the answer of /dashboard, or null where it could not be had. */
export function showCard(facts, dashboard) {
  const pairs = [...identity(facts), ...learning(facts, dashboard)];
  const list = pairs.flatMap(([term, ...what]) => [element("dt", {}, term), element("dd", {}, ...what)]);
  const limits = (dashboard?.limits ?? []).map((one) => element("li", {}, one));
  const heading = limits.length ? [element("h3", {}, "Limits"), element("ul", { class: "limits" }, limits)] : [];
  byId("card").replaceChildren(element("dl", { class: "pairs" }, list), ...heading);
}

function identity({ backbone, weights, image_size: side, class_names: classes, model, engine }) {
  return [
    ["Backbone", name(backbone), ` (weights: ${weights})`],
    ["Sees", `RGB pictures of ${side} × ${side} pixels`],
    ["Answers", `probabilities of ${counted(classes.length, "class")}`],
    ["Runs on", `${engine.name} ${engine.version}, ${counted(engine.workers, "worker")}`],
    ["Digest", element("code", {}, model.digest)],
  ];
}

function learning({ metrics, dataset_fingerprint: fingerprint, temperature, split_seed: seed }, dashboard) {
  const rows = [["Dataset", element("code", {}, fingerprint), ` split with seed ${seed}`]];
  const parts = Object.entries(dashboard?.totals ?? {}).map(([part, total]) => `${number(total)} for ${part}`);
  if (parts.length) rows.push(["Samples", parts.join(", ")]);
  if (Number.isFinite(metrics.validation_accuracy))
    rows.push(["Validation accuracy", percent(metrics.validation_accuracy)]);
  if (Number.isFinite(temperature))
    rows.push([
      "Confidence",
      temperature === 1 ? "the network's own probability" : `calibrated with temperature ${number(temperature)}`,
    ]);
  return rows;
}
