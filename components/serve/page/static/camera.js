/** The camera: asked for on a click only, and let go of as soon as nobody looks. */

import { byId } from "./elements.js";

const REFUSALS = {
  NotAllowedError:
    "The browser or you refused the camera. Allow it in the browser's settings for this page, or choose a picture instead.",
  NotFoundError: "No camera was found. Connect one, or choose a picture instead.",
  NotReadableError: "The camera is in use by another program. Close that, and try again.",
};

let stream = null;
let wanted = 0; // Counts the clicks, so that a camera that comes after a stop is let go of.

/** Let the camera's controls send the pictures they take to `take(blob, words)`. */
export function camera(take) {
  byId("camera-start").addEventListener("click", start);
  byId("camera-stop").addEventListener("click", stopCamera);
  byId("camera-take").addEventListener("click", () =>
    still(byId("video")).then((blob) => take(blob, "the camera's picture")),
  );
  byId("camera-app").addEventListener("click", () => byId("camera-file").click());
  byId("camera-file").addEventListener("change", ({ target }) => {
    if (target.files.length) take(target.files[0], target.files[0].name);
    target.value = "";
  });
  document.addEventListener("visibilitychange", () => document.hidden && stopCamera());
}

/** Let go of the camera. */
export function stopCamera() {
  wanted += 1;
  if (!stream) return;
  for (const track of stream.getTracks()) track.stop();
  stream = byId("video").srcObject = null;
  show("The camera is off.");
}

async function start() {
  const mine = (wanted += 1);
  show("Waiting for the camera…");
  try {
    const found = await open();
    if (mine !== wanted) return found.getTracks().forEach((track) => track.stop());
    stream = byId("video").srcObject = found;
    await byId("video").play();
    show("");
  } catch (error) {
    stopCamera();
    show(REFUSALS[error.name] ?? error.message);
  }
}

function open() {
  if (!navigator.mediaDevices) {
    throw new Error(
      "Browsers give the camera to pages from https:// or localhost only. Use the camera app, or choose a picture instead.",
    );
  }
  return navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
}

function show(words) {
  byId("camera-words").textContent = words;
  byId("video").hidden = !stream;
  byId("camera-start").hidden = Boolean(stream);
  byId("camera-take").hidden = byId("camera-stop").hidden = !stream;
  byId("camera-app").hidden = Boolean(navigator.mediaDevices); // Phones open their camera for a file input.
}

function still(video) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
