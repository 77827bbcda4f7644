/** The viewer: one image of a list at a time, with what the network made of it; the rest of the list lies below. */

const STRIP = 24;
const viewer = byId("viewer");
/** @type {{list: Sample[], at: number, strip: number}} */
const viewed = { list: [], at: 0, strip: -1 };

/** Show `list` from its element `at` on; `title` says what the list is, as text or elements. */
function openViewer(list, at, ...title) {
  byId("viewer-title").replaceChildren(...title);
  Object.assign(viewed, { list, strip: -1 });
  byId("viewer-content").hidden = list.length === 0;
  byId("viewer-empty").hidden = list.length > 0;
  if (list.length) show(at);
  if (!viewer.open) viewer.showModal();
  viewer.scrollTop = 0;
}

function show(at) {
  viewed.at = (at + viewed.list.length) % viewed.list.length;
  const sample = viewed.list[viewed.at];
  byId("viewer-picture").replaceChildren(picture(sample.picture, `the test image ${sample.name}`));
  byId("viewer-name").replaceChildren(isolated(sample.name));
  byId("viewer-verdict").replaceChildren(...verdict(sample));
  byId("viewer-bars").replaceChildren(...probabilityBars(sample));
  byId("viewer-facts").replaceChildren(...facts(sample));
  byId("viewer-near").replaceChildren(...neighbours(sample));
  byId("viewer-position").textContent = `${viewed.at + 1} of ${viewed.list.length}`;
  for (const id of ["viewer-previous", "viewer-next"]) byId(id).disabled = viewed.list.length === 1;
  drawStrip();
}

function verdict(sample) {
  const mark = element("b", { class: isRight(sample) ? "right" : "wrong" }, isRight(sample) ? "✓ Right: " : "✗ Wrong: ");
  const said = [mark, element("b", {}, className(sample.predicted)), ` at ${percent(sample.confidence)}`];
  if (!isRight(sample)) said.push(", labelled ", element("b", {}, className(sample.label)));
  if (sample.suggested < 0) return [element("p", {}, ...said)];
  const doubt = ["The label is doubtful: it may be ", element("b", {}, className(sample.suggested)), "."];
  return [element("p", {}, ...said), element("p", { class: "doubt" }, ...doubt)];
}

function probabilityBars(sample) {
  return sample.probabilities.flatMap(([index, share]) => {
    const bar = element("i", { class: index === sample.label ? "of-label" : "" });
    bar.style.width = `${100 * share}%`;
    const name = element("span", {}, className(index), index === sample.label ? element("small", {}, " label") : "");
    return [name, bar, element("span", { class: "value" }, percent(share))];
  });
}

function facts(sample) {
  const rows = [["loss", sample.loss.toFixed(3)], ["size", `${sample.width} × ${sample.height} pixels`]];
  rows.push(["brightness", percent(sample.brightness)]);
  if (sample.group !== sample.name) rows.push(["group", isolated(sample.group)]);
  return rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
}

function neighbours(sample) {
  if (!sample.near.length) return [element("p", { class: "soft" }, report.neighbours_known ? "None known." : "The test step was given no training features.")];
  return sample.near.map((near) => {
    const caption = element("figcaption", {}, className(near.label), element("small", {}, ` ${near.split}, similarity ${near.similarity.toFixed(2)}`));
    const frame = element("figure", { title: near.name }, picture(report.pictures[near.picture] ?? "", near.name), caption);
    frame.classList.toggle("other", near.label !== sample.label);
    return frame;
  });
}

function drawStrip() {
  const first = viewed.at - (viewed.at % STRIP);
  const strip = byId("viewer-strip");
  strip.hidden = viewed.list.length === 1;
  if (first !== viewed.strip) strip.replaceChildren(...viewed.list.slice(first, first + STRIP).map((sample, index) => stripButton(sample, first + index)));
  viewed.strip = first;
  [...strip.children].forEach((button, index) => button.setAttribute("aria-current", String(first + index === viewed.at)));
}

function stripButton(sample, at) {
  const button = element("button", { type: "button", "aria-label": `image ${at + 1}` }, picture(sample.picture, ""));
  button.addEventListener("click", () => show(at));
  return button;
}

/** Open the image that the address names, as `report.html#image-7` does. */
function openNamedImage() {
  const at = samples.findIndex((sample) => location.hash === `#${sample.anchor}`);
  if (at >= 0) openViewer(samples, at, "All images shown, by name");
}

byId("viewer-close").addEventListener("click", () => viewer.close());
byId("viewer-previous").addEventListener("click", () => show(viewed.at - 1));
byId("viewer-next").addEventListener("click", () => show(viewed.at + 1));
viewer.addEventListener("click", (event) => event.target === viewer && viewer.close()); // The backdrop.
viewer.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !viewed.list.length) return;
  event.preventDefault();
  show(viewed.at + step);
});
window.addEventListener("hashchange", openNamedImage);
openNamedImage();
