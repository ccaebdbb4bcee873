/** Keys and buttons: both name a command, and say when it was given. */

import { anyOpen } from "./dialogs.js";

const KEYS = {
  s: "same", d: "different", u: "cannot-tell", " ": "later", z: "undo",
  arrowleft: "backward", arrowright: "forward", escape: "leave",
  0: "fit", 1: "one", "+": "nearer", "=": "nearer", "-": "farther", l: "link", m: "mirror-right", f: "frames", r: "reset",
  b: "brighter", c: "more-contrast", "[": "darker", "]": "brighter", "{": "less-contrast", "}": "more-contrast",
  e: "finish", w: "why", g: "groups", k: "contradictions", p: "people", "?": "help",
};
const SHIFTED = {
  m: "mirror-left", b: "darker", c: "less-contrast",
  arrowleft: "pan-left", arrowright: "pan-right", arrowup: "pan-up", arrowdown: "pan-down",
};
/** Signs that need the shift key on some keyboards. */
const SIGNS = new Set(["+", "=", "-", "[", "]", "{", "}", "?", "0", "1"]);
const OF_SLIDERS = new Set(["arrowleft", "arrowright", "arrowup", "arrowdown", "home", "end", "pageup", "pagedown"]);
const OF_BUTTONS = new Set([" ", "enter"]);
/** What may be repeated by holding the key. */
const REPEATABLE = /^(nearer|farther|pan-.*|brighter|darker|(more|less)-contrast)$/;

/** The command of a key, or null where the key is somebody else's. */
function command(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return null;
  const key = event.key.toLowerCase();
  const { target } = event;
  const slider = target.matches?.("input[type=range]");
  if (slider ? OF_SLIDERS.has(key) : target.matches?.("input, textarea, select, [contenteditable]")) return null;
  if (target.matches?.("button, a, summary") && OF_BUTTONS.has(key)) return null;
  const found = event.shiftKey && !SIGNS.has(key) ? SHIFTED[key] : KEYS[key];
  return found && (!event.repeat || REPEATABLE.test(found)) ? found : null;
}

/**
 * @param {Object<string, Function>} commands each called with the time of the key or click
 * @param {{open: boolean, pick: Function}} reasons takes the digits while it is open
 */
export function listenKeys(commands, reasons) {
  document.addEventListener("keydown", (event) => {
    if (anyOpen()) return;
    const digit = /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (reasons.open && digit && !event.repeat && reasons.pick(Number(event.key) - 1)) return event.preventDefault();
    const found = command(event);
    if (!found) return;
    event.preventDefault();
    if (reasons.open && found !== "help") reasons.hide();
    commands[found](event.timeStamp);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-command]");
    // The second click of a double click would answer a pair that nobody has seen.
    if (!button || (event.detail > 1 && button.hasAttribute("data-once"))) return;
    commands[button.dataset.command](event.timeStamp);
  });

  // A button that was clicked must not take the next space or enter for itself.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("button[data-command]")) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("input[type=range]") && !event.target.matches(":focus-visible")) event.target.blur();
  });
}
