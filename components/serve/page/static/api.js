/** The third tab: every request the server takes, as its own description says, with a command to try it. */

import { byId, element } from "./elements.js";

const METHODS = ["get", "post"];

/** Show the tab; `described` is the OpenAPI document. */
export function showApi(described) {
  const operations = Object.entries(described.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => operation(path, method, item[method])),
  );
  const link = element("a", { href: "openapi.json" }, "openapi.json");
  const words = ["For programs that make clients: ", link, `, OpenAPI ${described.openapi}, version ${described.info.version}.`];
  const about = element("p", { class: "soft" }, ...words);
  byId("api").replaceChildren(element("section", { class: "panel" }, element("h2", {}, "Requests"), ...operations, about));
}

/** Say why there is no description. */
export function showNoApi(words) {
  byId("api").replaceChildren(element("p", { class: "failed" }, words));
}

function operation(path, method, { summary, requestBody, responses, security }) {
  const title = element("summary", {}, element("code", {}, `${method.toUpperCase()} ${path}`), ` ${summary}`);
  const types = Object.keys(requestBody?.content ?? {});
  const answers = Object.entries(responses).map(([status, { description }]) => [status, description]);
  return element(
    "details",
    {},
    title,
    element("pre", { class: "scroll", tabindex: "0" }, command(path, method, types, security)),
    pairs([...(types.length ? [["Body", types.join(", ")]] : []), ...answers]),
  );
}

function pairs(rows) {
  const cells = rows.flatMap(([term, words]) => [element("dt", {}, term), element("dd", {}, words)]);
  return element("dl", { class: "pairs" }, ...cells);
}

function command(path, method, types, security) {
  const url = new URL(path.slice(1), new URL(".", location.href)).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  const token = security ? ["-H 'Authorization: Bearer TOKEN'"] : [];
  return ["curl", ...token, ...(method === "post" ? body(types) : []), `'${url}'`].join(" ");
}

function body(types) {
  if (types.includes("image/jpeg")) return ["--data-binary @picture.jpg"];
  if (types.includes("multipart/form-data")) return ["-F 'images[]=@one.jpg' -F 'images[]=@two.jpg'"];
  return ["-H 'Content-Type: application/json' --data @request.json"];
}
