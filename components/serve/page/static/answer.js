/** The answer to one picture: the class, its confidence, probabilities as bars, and the picture as the model saw it. */

import { bars } from "./charts.js";
import { byId, element, name } from "./elements.js";
import { counted, number, percent } from "./format.js";

const FIRST = 5; // Classes above the fold.
const MOST = 200; // Beyond that, the rest is one line.
const UNSURE = 0.5;

/** Show `prediction`, the answer of /predict, and `seen`, an object URL of the model's input; `facts` are the model's. */
export function showAnswer(prediction, seen, { image_size: size, temperature }) {
  const sure = prediction.confidence;
  replace(
    element("p", { class: "verdict", id: "verdict" }, name(prediction.class)),
    element("p", { class: "soft" }, `${percent(sure)} confident${sure < UNSURE ? ", so rather a guess" : ""}`),
    ...probabilities(calibrated(prediction.probabilities, temperature)),
    raw(prediction, temperature),
    view(seen, size),
    traces(prediction),
  );
}

/** Show why there is no answer, in the server's words. */
export function showFailure(error) {
  const id = error.requestId
    ? [element("p", { class: "soft" }, "Request id ", element("code", {}, error.requestId))]
    : [];
  replace(element("div", { class: "failed" }, element("p", { id: "failure" }, error.message), ...id));
}

/** Show what to do before there is a picture. */
export function showNothing(words) {
  replace(element("p", { class: "empty" }, words));
}

/** Tell what is going on while the answer is awaited; nothing when `words` is empty. */
export function showProgress(words) {
  byId("progress").textContent = words;
  byId("answer").setAttribute("aria-busy", Boolean(words));
}

function replace(...children) {
  byId("answer").replaceChildren(...children.filter(Boolean));
}

/** Return softmax(log p / temperature) of the network's probabilities, by class, as the server's confidence is made. */
function calibrated(of, temperature) {
  const logs = Object.entries(of).map(([label, share]) => [label, Math.log(Math.max(share, Number.EPSILON))]);
  const most = logs.reduce((found, [, log]) => Math.max(found, log), -Infinity);
  const scaled = logs.map(([label, log]) => [label, Math.exp((log - most) / temperature)]);
  const sum = scaled.reduce((total, [, share]) => total + share, 0);
  return scaled.map(([label, share]) => [label, share / sum]);
}

/** What the network itself says, before calibration; nothing where that changes nothing. */
function raw({ probabilities: of }, temperature) {
  if (temperature === 1) return null;
  const words = `Before calibration with temperature ${number(temperature)}, as programs get them.`;
  const summary = element("summary", {}, "The network's own probabilities");
  return element("details", { id: "raw" }, summary, element("p", { class: "soft" }, words), ...probabilities(Object.entries(of)));
}

function probabilities(of) {
  const sorted = [...of].sort(([, one], [, other]) => other - one);
  const above = sorted.length <= FIRST + 1 ? sorted : sorted.slice(0, FIRST);
  const below = sorted.slice(above.length);
  return below.length ? [shares(above), folded(below)] : [shares(above)];
}

function shares(rows) {
  return bars(
    rows.map(([label, share], index) => ({
      label,
      parts: [[share, index === 0 ? "first" : ""]],
      value: percent(share),
    })),
    1,
  );
}

function folded(rows) {
  const shown = rows.slice(0, MOST);
  const rest = rows.slice(MOST);
  const sum = rows.reduce((total, [, share]) => total + share, 0);
  const more = rest.length
    ? [element("p", { class: "soft" }, `and ${counted(rest.length, "class")} below ${percent(rest[0][1])} each`)]
    : [];
  const title = `${counted(rows.length, "more class")}, ${percent(sum)} together`;
  return element("details", { class: "more" }, element("summary", {}, title), shares(shown), ...more);
}

function view(seen, size) {
  const picture = element("img", {
    src: seen,
    id: "seen",
    alt: "The picture as the model sees it",
    class: size < 112 ? "small" : "",
  });
  const words = element(
    "div",
    {},
    element("p", {}, "As the model sees it"),
    element("p", { class: "soft" }, `${size} × ${size} pixels, RGB`),
  );
  return element("div", { class: "seen" }, picture, words);
}

function traces({ model, request_id: id }) {
  const pair = (term, text) => [element("dt", {}, term), element("dd", {}, element("code", {}, text))];
  const pairs = [
    ...pair("Model", `${model.name} ${model.version}`),
    ...pair("Digest", model.digest),
    ...pair("Request id", id),
  ];
  return element(
    "details",
    {},
    element("summary", {}, "Which model said so"),
    element("dl", { class: "pairs" }, ...pairs),
  );
}
