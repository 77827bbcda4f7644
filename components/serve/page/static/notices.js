/** What concerns the whole page: a line above everything, and the form for an access token. */

import { byId, element } from "./elements.js";
import { useToken, whenUnauthorized } from "./server.js";

/** Show `words` above everything, with a button that calls `again` if there is one; empty words hide the line. */
export function notify(words, again) {
  const button = again
    ? [element("div", { class: "row" }, element("button", { type: "button", click: again }, "Try again"))]
    : [];
  byId("notice").replaceChildren(words, ...button);
  byId("notice").hidden = !words;
}

/** Show the form whenever the server asks for a token, and call `retry()` when one was entered. */
export function tokenForm(retry) {
  whenUnauthorized((given) => {
    byId("token-form").hidden = false;
    byId("token-refused").hidden = !given;
    byId("token").focus();
  });
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useToken(byId("token").value);
    byId("token").value = "";
    byId("token-form").hidden = true;
    retry();
  });
}
