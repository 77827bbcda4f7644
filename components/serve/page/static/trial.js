/** One trial: a picture goes to the server, its answer and the model's view of it come back. The newest trial wins. */

import { showAnswer, showFailure, showProgress } from "./answer.js";
import { megabytes } from "./format.js";
import { Refused, ask } from "./server.js";

let running = null; // The AbortController of the trial under way.
let seen = ""; // Object URL of the picture on view.

/** Ask the server about `blob`; `facts` are the model's (`limits`, `image_size`). Return its answer, or null without one. */
export async function tryPicture(blob, words, facts) {
  giveUp();
  const mine = (running = new AbortController());
  showProgress(`Looking at ${words}…`);
  try {
    check(blob, facts);
    const waiting = (seconds) => showProgress(`The server is busy. Trying again in ${Math.ceil(seconds)} s…`);
    const [prediction, view] = await Promise.all([
      ask("predict", { body: blob, signal: mine.signal, waiting }).then((response) => response.json()),
      ask("model_input", { body: blob, signal: mine.signal, waiting }).then((response) => response.blob()),
    ]);
    URL.revokeObjectURL(seen);
    seen = URL.createObjectURL(view);
    showProgress("");
    showAnswer(prediction, seen, await factsOf(prediction, facts, mine.signal));
    return prediction;
  } catch (error) {
    if (mine.signal.aborted) return null;
    mine.abort(); // The other of the two requests.
    showProgress("");
    showFailure(error instanceof Refused ? error : new Refused("The server's answer was cut short. Try again.", 0));
    return null;
  }
}

/** The facts of the model that made `prediction`, which may be another one than the page has loaded. */
async function factsOf({ model }, facts, signal) {
  return model.digest === facts.model.digest ? facts : (await ask("card", { signal })).json();
}

/** Give up the trial under way, if there is one. */
export function giveUp() {
  running?.abort();
  running = null;
  showProgress("");
}

function check(blob, { limits }) {
  if (blob.size > limits.max_body_bytes) {
    throw new Refused(
      `The picture has ${megabytes(blob.size)}, the server takes at most ${megabytes(limits.max_body_bytes)}. Choose a smaller one.`,
      0,
    );
  }
}
