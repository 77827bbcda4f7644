/** Elements made without HTML text: a string becomes a text node, so that nothing a label or a server says can run. */

const SVG = "http://www.w3.org/2000/svg";

/** Return an element; `properties` are attributes, functions in them listeners (`{click: f}`), true an empty attribute. */
export function element(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** As `element`, for SVG. */
export function drawn(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Return `name` as text that keeps its own writing direction within the line. */
export function name(text, limit = 120) {
  const short = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return element("bdi", short === text ? {} : { title: text.slice(0, 1000) }, short);
}

/** Return the page's element of this id. */
export function byId(id) {
  return document.getElementById(id);
}

function filled(made, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}
