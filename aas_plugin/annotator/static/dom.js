/** Small helpers around the document. Text is only ever set as text: names of photos and people may hold anything. */

export const byId = (id) => document.getElementById(id);

/**
 * An element with properties and children.
 * @param {string} tag
 * @param {object} properties `class`, `data` (an object), `on` (an object of listeners), or any attribute
 * @param {...(Node|string|null)} children
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** Say something politely: in the line at the foot of the page, which screen readers read out. */
export function say(sentence) {
  byId("said").textContent = sentence;
}

/** Show a sentence that must not be missed, until somebody closes it. */
export function warn(sentence) {
  byId("warning-text").textContent = sentence;
  byId("warning").hidden = false;
}

export function endWarning() {
  byId("warning").hidden = true;
}

/** The two frames after which what was changed is on the screen. */
export const painted = () =>
  new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame((time) => resolve(time))));

/** A time in words, such as "3 minutes ago". */
export function ago(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return "just now";
  for (const [unit, length, limit] of [["minute", 60, 60], ["hour", 3600, 24], ["day", 86400, 60]]) {
    const count = Math.floor(seconds / length);
    if (count < limit) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return new Date(time).toLocaleDateString();
}
