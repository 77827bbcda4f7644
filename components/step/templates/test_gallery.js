/** The gallery: every image shown, filtered and sorted, a page at a time. */

const PAGE = 48;
/** @type {Record<string, (sample: Sample) => boolean>} */
const KINDS = {
  all: () => true,
  wrong: (sample) => !isRight(sample),
  right: isRight,
  doubtful: (sample) => sample.suggested >= 0,
};
/** @type {Record<string, (a: Sample, b: Sample) => number>} */
const ORDERS = {
  "loss-down": (a, b) => b.loss - a.loss,
  "loss-up": (a, b) => a.loss - b.loss,
  "confidence-down": (a, b) => b.confidence - a.confidence,
  "confidence-up": (a, b) => a.confidence - b.confidence,
  "doubt-down": (a, b) => b.score - a.score,
  name: (a, b) => (a.name < b.name ? -1 : 1),
};
const gallery = { /** @type {Sample[]} */ list: [], drawn: 0 };

/** The images that the controls ask for, in the order they ask for; ties keep the order of names. */
function chosen() {
  const [kind, order] = [KINDS[byId("gallery-kind").value], ORDERS[byId("gallery-order").value]];
  const [label, predicted] = [byId("gallery-label").value, byId("gallery-predicted").value];
  const found = samples.filter((sample) => kind(sample) && (label === "" || sample.label === Number(label)) && (predicted === "" || sample.predicted === Number(predicted)));
  return found.sort(order);
}

function drawGallery() {
  gallery.list = chosen();
  gallery.drawn = 0;
  byId("gallery-tiles").replaceChildren();
  byId("gallery-count").textContent = `${gallery.list.length} of ${samples.length} images`;
  drawMore();
}

function drawMore() {
  const next = gallery.list.slice(gallery.drawn, gallery.drawn + PAGE);
  byId("gallery-tiles").append(...next.map((sample, index) => tile(sample, gallery.list, gallery.drawn + index)));
  gallery.drawn += next.length;
  const left = gallery.list.length - gallery.drawn;
  byId("gallery-more").hidden = left === 0;
  byId("gallery-more").textContent = `Show ${Math.min(left, PAGE)} more`;
}

/** A button with an image and what was said of it; it opens the viewer on `list`. */
function tile(sample, list, at) {
  const said = element("span", { class: isRight(sample) ? "right" : "wrong" }, isRight(sample) ? "✓ " : "✗ ", className(sample.predicted), ` ${percent(sample.confidence)}`);
  const label = isRight(sample) ? [] : [element("span", { class: "soft" }, "labelled ", className(sample.label))];
  const lines = element("span", { class: "lines" }, said, ...label, element("span", { class: "soft" }, `loss ${sample.loss.toFixed(3)}`));
  const button = element("button", { type: "button", class: "tile" }, picture(sample.picture, ""), lines);
  button.addEventListener("click", () => openViewer(list, at, "Images of the gallery"));
  return button;
}

function fillClassChoices() {
  for (const id of ["gallery-label", "gallery-predicted"]) {
    byId(id).append(...report.classes.map((name, index) => element("option", { value: index }, name)));
  }
}

fillClassChoices();
for (const id of ["gallery-kind", "gallery-order", "gallery-label", "gallery-predicted"]) byId(id).addEventListener("change", drawGallery);
byId("gallery-more").addEventListener("click", drawMore);
drawGallery();
