/** The pictures that travel in the bundle. */

import { byId, element } from "./elements.js";
import { ask } from "./server.js";

const MOST = 24;

let urls = [];

/** Return the bundle's examples, `[{blob, src, class, confidence}, …]`; `src` is an object URL. */
export async function loadExamples() {
  const listed = (await (await ask("examples")).json()).examples.slice(0, MOST);
  const blobs = await Promise.all(listed.map(({ url }) => ask(url).then((answer) => answer.blob())));
  for (const url of urls) URL.revokeObjectURL(url);
  urls = blobs.map((blob) => URL.createObjectURL(blob));
  return listed.map((one, index) => ({
    blob: blobs[index],
    src: urls[index],
    class: one.class,
    confidence: one.confidence,
  }));
}

/** Show them as buttons that send their picture to `take(blob, words)`. */
export function showExamples(examples, take) {
  const buttons = examples.map(({ blob, src }, index) => {
    const words = `example ${index + 1}`;
    const picture = element("img", { src, alt: `Try ${words}`, width: 64, height: 64 });
    const press = () => {
      markExample(button);
      take(blob, words);
    };
    const button = element("button", { type: "button", "aria-pressed": "false", click: press }, picture);
    return button;
  });
  byId("examples").replaceChildren(...buttons);
  byId("examples-title").hidden = !buttons.length;
}

/** Mark this button as the one whose picture is on view; none when null. */
export function markExample(chosen) {
  for (const button of byId("examples").children) button.setAttribute("aria-pressed", button === chosen);
}
