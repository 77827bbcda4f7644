/** Starts the page: loads what is known of the model, and leads each picture from its source to the answer. */

import { showFailure, showNothing, showProgress } from "./answer.js";
import { showApi, showNoApi } from "./api.js";
import { camera, stopCamera } from "./camera.js";
import { showCard, showTitle } from "./card.js";
import { chooser } from "./chooser.js";
import { showDashboard, showNoDashboard } from "./dashboard.js";
import { byId } from "./elements.js";
import { loadExamples, markExample, showExamples } from "./examples.js";
import { notify, tokenForm } from "./notices.js";
import { ask } from "./server.js";
import { adoptStyle, sketchpad } from "./sketchpad.js";
import { tabs } from "./tabs.js";
import { giveUp, tryPicture } from "./trial.js";

const FIRST_WORDS = "Choose, drop or paste a picture, take one with the camera, or draw. The answer appears here.";

let facts = null; // The answer of /card, once it is there.
let picture = null; // What was tried last, [blob, words].

async function load() {
  try {
    const asked = ["card", "dashboard"].map((path) => ask(path).then((answer) => answer.json()));
    const [card, dashboard, examples] = await Promise.all([...asked, loadExamples()]);
    facts = card;
    showModel(dashboard, examples);
    notify("");
  } catch (error) {
    if (!facts) showNoDashboard(error.message);
    if (error.status !== 401) notify(error.message, reload); // The form asks for a token by itself.
  }
}

async function loadApi() {
  try {
    showApi(await (await ask("openapi.json")).json());
  } catch (error) {
    showNoApi(error.message);
  }
}

async function reload() {
  await load();
  if (facts && picture) take(...picture);
}

function showModel(dashboard, examples) {
  showTitle(facts);
  showCard(facts, dashboard);
  showDashboard(dashboard, facts, examples);
  adoptStyle(dashboard.drawing, facts.image_size);
  showExamples(examples, take);
}

async function take(blob, words) {
  picture = [blob, words];
  if (!facts) return showProgress("Waiting for the server…"); // `reload` comes back to it.
  const prediction = await tryPicture(blob, words, facts);
  if (picture[0] !== blob) return;
  showChosen(prediction && source() === "file" ? blob : null);
  if (prediction && prediction.model.digest !== facts.model.digest) await load();
}

function takeOwn(blob, words) {
  markExample(null);
  take(blob, words);
}

function showChosen(blob) {
  const shown = byId("chosen");
  URL.revokeObjectURL(shown.src);
  if (blob) shown.src = URL.createObjectURL(blob);
  shown.hidden = !blob;
  byId("drop-words").hidden = Boolean(blob);
}

function source() {
  return document.querySelector('[name="source"]:checked').value;
}

function showSource() {
  for (const one of ["file", "camera", "drawing"]) byId(`source-${one}`).hidden = one !== source();
  if (source() !== "camera") stopCamera();
}

function cleared() {
  giveUp();
  picture = null;
  showNothing(FIRST_WORDS);
}

tabs((id) => id === "try" || stopCamera());
chooser(takeOwn, (words) => showFailure({ message: words }));
camera(takeOwn);
sketchpad(takeOwn, cleared);
tokenForm(reload);
byId("sources").addEventListener("change", showSource);
showSource();
showNothing(FIRST_WORDS);
loadApi();
reload();
