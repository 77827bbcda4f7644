/** The sketchpad: strokes by mouse, pen or finger, drawn with the polarity that the model's own examples have. */

import { centred } from "./centring.js";
import { byId } from "./elements.js";

const SMALLEST = 256; // Pixels a side of what is sent, at least; the server scales it down as it does all pictures.
const strokes = [];
let style = { background: "light", extent: 0.8, centre: false, pen: 0.05, reason: "" };
let side = 224;

/** Let the pad send what is drawn to `take(blob, words)`, and `cleared()` when nothing is left of it. */
export function sketchpad(take, cleared) {
  const changed = () => {
    redraw();
    if (strokes.length) toBlob().then((blob) => take(blob, "your drawing"));
    else cleared();
  };
  listenToPointers(byId("pad"), changed);
  byId("pad-undo").addEventListener("click", () => strokes.pop() && changed());
  byId("pad-clear").addEventListener("click", () => strokes.splice(0).length && changed());
  for (const control of controls()) control.addEventListener("change", () => (strokes.length ? changed() : redraw()));
  byId("pen").addEventListener("input", redraw);
  redraw();
}

/** Draw as the model's examples are: `found` is the dashboard's `drawing`, `pixels` the side of the model's input. */
export function adoptStyle(found, pixels) {
  [style, side] = [found, pixels];
  byId("automatic").textContent = `automatic (${found.background})`;
  byId("centre").checked = found.centre;
  byId("pen").value = 100 * found.pen;
  byId("drawing-why").textContent = found.reason;
  redraw();
}

function controls() {
  return [...document.querySelectorAll('[name="background"]'), byId("centre"), byId("pen")];
}

function listenToPointers(pad, changed) {
  const at = ({ clientX, clientY }) => {
    const box = pad.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  };
  let drawing = null; // The pointer that draws; a second finger does not.
  pad.addEventListener("pointerdown", (event) => {
    if (drawing !== null || event.button !== 0) return;
    drawing = event.pointerId;
    pad.setPointerCapture(drawing);
    strokes.push([at(event)]);
    redraw();
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing) return;
    const between = event.getCoalescedEvents?.() ?? [];
    strokes.at(-1).push(...(between.length ? between : [event]).map(at));
    redraw();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId !== drawing) return;
      drawing = null;
      changed();
    });
  }
}

function redraw() {
  render(byId("pad"), strokes);
}

function render(canvas, lines) {
  const chosen = document.querySelector('[name="background"]:checked').value;
  const dark = (chosen === "automatic" ? style.background : chosen) === "dark";
  const context = canvas.getContext("2d");
  context.fillStyle = dark ? "#000" : "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = dark ? "#fff" : "#000";
  context.lineWidth = pen() * canvas.width;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  for (const line of lines) {
    for (const [index, [x, y]] of [line[0], ...line].entries()) {
      // The first twice, so that a dot is a line, too.
      context[index ? "lineTo" : "moveTo"](x * canvas.width, y * canvas.height);
    }
  }
  context.stroke();
}

function pen() {
  return byId("pen").valueAsNumber / 100;
}

function toBlob() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * Math.max(1, Math.ceil(SMALLEST / side));
  render(canvas, byId("centre").checked ? centred(strokes, style.extent, pen()) : strokes);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
