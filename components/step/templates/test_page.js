/**
 * What the page's other scripts share: the embedded report, and how text, numbers and pictures become elements.
 * Whatever comes from a user goes in as text or as an attribute's value, never as markup.
 *
 * @typedef {object} Near a training image that looks alike to the network
 * @property {string} name
 * @property {number} label index into report.classes
 * @property {string} split train or validation
 * @property {number} similarity cosine, at most 1
 * @property {number} picture index into report.pictures, -1 if it has none
 *
 * @typedef {object} Sample
 * @property {string} name
 * @property {string} group
 * @property {string} anchor
 * @property {number} label index into report.classes
 * @property {number} predicted likewise
 * @property {number} loss
 * @property {number} confidence
 * @property {[number, number][]} probabilities class and probability, highest first
 * @property {number} suggested class that the label should perhaps be, -1 if it seems right
 * @property {number} score how suspicious the label is
 * @property {number} width pixels of the original
 * @property {number} height
 * @property {number} brightness mean luma, 0 to 1
 * @property {string} picture data URI, or empty
 * @property {Near[]} near
 *
 * @typedef {object} Report
 * @property {string[]} classes
 * @property {Sample[]} samples
 * @property {string[]} pictures
 * @property {boolean} neighbours_known
 * @property {{threshold: number[], coverage: number[], accuracy: number[]}} coverage by falling threshold
 */

/** @type {Report} */
const report = JSON.parse(document.getElementById("report-data").textContent);
const samples = report.samples;
const THIN_SPACE = "\u202f";

/** The element with this id. */
function byId(id) {
  return document.getElementById(id);
}

/** A new element with attributes and children; strings among the children become text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A user's text, kept apart from the direction of the text around it. */
function isolated(text) {
  return element("bdi", {}, text);
}

function className(index) {
  return isolated(report.classes[index] ?? "?");
}

function percent(share) {
  return `${(100 * share).toFixed(1)}${THIN_SPACE}%`;
}

/** A sample's or neighbour's picture, or an empty frame of the same size where there is none. */
function picture(uri, alt) {
  return uri ? element("img", { src: uri, alt, decoding: "async" }) : element("span", { class: "blank", "aria-hidden": "true" });
}

function isRight(sample) {
  return sample.label === sample.predicted;
}
