/** Talks to the server: adds the token, waits where it is told to, and puts what goes wrong into plain words. */

const TRIES = 4;
const LONGEST_WAIT = 15; // Seconds; whoever is told to wait longer decides anew.

let token = "";
let unauthorized = () => {};

/** An answer that is not what was asked for; `status` is 0 when there was no answer at all. */
export class Refused extends Error {
  constructor(message, status, requestId = "") {
    super(message);
    this.status = status;
    this.requestId = requestId;
  }
}

/** Send `value` as bearer token from now on; it is kept in this module's memory and nowhere else. */
export function useToken(value) {
  token = value.trim();
}

/** Tell `callback(given)` whenever the server asks for a token; `given` is whether one was sent. */
export function whenUnauthorized(callback) {
  unauthorized = callback;
}

/** Return the answer to a GET, or to a POST of `body`. While the server is busy, `waiting(seconds)` is told and it is asked again.
 *
 * Throws `Refused`, or an AbortError when `signal` says so.
 */
export async function ask(path, { body, signal, waiting = () => {} } = {}) {
  for (let left = TRIES - 1; ; left -= 1) {
    const response = await send(path, body, signal);
    if (response.ok) return response;
    const pause = secondsToWait(response);
    if (pause === null || left === 0) throw await refusal(response);
    waiting(pause);
    await sleep(pause, signal);
  }
}

async function send(path, body, signal) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body) headers["Content-Type"] = "application/octet-stream"; // The server tells formats by their content.
  try {
    return await fetch(path, { method: body ? "POST" : "GET", body, signal, headers, cache: "no-cache" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server cannot be reached. Check the connection and try again.", 0);
  }
}

function secondsToWait(response) {
  if (response.status !== 429 && response.status !== 503) return null;
  const seconds = Number(response.headers.get("Retry-After"));
  return response.headers.has("Retry-After") && seconds >= 0 && seconds <= LONGEST_WAIT ? Math.max(seconds, 0.2) : null;
}

async function refusal(response) {
  if (response.status === 401) unauthorized(token !== "");
  const said = await response.json().catch(() => ({}));
  const id = said.request_id ?? response.headers.get("X-Request-Id") ?? "";
  return new Refused(words(response.status, said.error?.message), response.status, id);
}

function words(status, message) {
  if (status === 401) return "The server asks for an access token. Enter one above.";
  if (status === 403)
    return "The token is valid, but not for this server's predictions. Ask for one with the right scope.";
  if (status === 429 || status === 503) return message ?? "The server is busy. Try again in a moment.";
  if (status === 413 && !message) return "The picture is too large for the server. Send a smaller one.";
  if (status >= 500) return "The server failed. Its log says why, under the request id below.";
  return message ?? `The server refused with status ${status}.`;
}

function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("Another picture came first.", "AbortError"));
    });
  });
}
