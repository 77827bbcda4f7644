/** Pictures from files: chosen, dropped anywhere on the page, or pasted. */

import { byId } from "./elements.js";

const NO_PICTURE = "There is no picture in the clipboard. Copy one first.";
const NO_ACCESS = "The browser keeps the clipboard from this button. Press Ctrl+V (on a Mac: ⌘V) instead.";

/** Send each picture that comes to `take(blob, words)`, and what goes wrong to `complain(words)`. */
export function chooser(take, complain) {
  const open = () => byId("file").click();
  byId("choose").addEventListener("click", open);
  byId("drop").addEventListener("click", open);
  byId("file").addEventListener("change", ({ target }) => {
    takeFirst(target.files, take);
    target.value = ""; // So that the same file can be chosen again.
  });
  byId("paste").addEventListener("click", () => readClipboard(take, complain));
  document.addEventListener("paste", (event) => takeFirst(event.clipboardData.files, take, event));
  listenToDrops(take, complain);
}

function takeFirst(files, take, event) {
  if (!files.length) return;
  event?.preventDefault();
  take(files[0], files.length > 1 ? `${files[0].name}, the first of ${files.length}` : files[0].name);
}

function listenToDrops(take, complain) {
  const over = (on) => document.body.classList.toggle("over", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // Or the browser would leave the page for the picture.
    over(event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || over(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    if (event.dataTransfer.files.length) takeFirst(event.dataTransfer.files, take);
    else complain("That was not a file. Save the picture first, then drop the file.");
  });
}

async function readClipboard(take, complain) {
  if (!navigator.clipboard?.read) return complain(NO_ACCESS);
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith("image/"));
      if (type) return take(await item.getType(type), "the pasted picture");
    }
    complain(NO_PICTURE);
  } catch {
    complain(NO_ACCESS);
  }
}
