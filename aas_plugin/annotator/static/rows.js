/** Answers as rows with both photos, and photos as strips. */

import { ago, byId, el } from "./dom.js";
import { address, photo } from "./gallery.js";
import { identity } from "./identity.js";
import { DECISIONS, SIGNS, WORDS, capital, told } from "./words.js";

/** A small picture of a photo; a click shows it large. */
export function thumbnail(id, large = true) {
  const { name, problem } = photo(id);
  if (problem) return el("span", { class: "thumb missing", title: problem }, "not there");
  const image = el("img", { src: address(id, 256), alt: name, title: name, draggable: "false" });
  if (!large) return image;
  const does = { "aria-label": `Enlarge ${name}`, on: { click: () => enlarge(id) } };
  return el("button", { type: "button", class: "thumb", ...does }, image);
}

function enlarge(id) {
  const dialog = byId("large-dialog");
  byId("large-name").textContent = photo(id).name;
  byId("large-image").src = address(id, 1600);
  byId("large-image").alt = photo(id).name;
  dialog.showModal();
}

/** Photos of a group in one line. */
export const strip = (ids) => el("div", { class: "strip" }, ...ids.map((id) => thumbnail(id)));

function who({ person, time, reason }) {
  const name = person === identity.person ? "You" : person;
  return el("p", { class: "who" }, `${name}, ${ago(time)}${reason ? `: ${reason}` : ""}`);
}

/** An answer that can only be read. */
export const row = (answer) =>
  el("li", { class: "row" },
    el("div", { class: "two" }, thumbnail(answer.a), thumbnail(answer.b)),
    el("div", { class: "about" },
      el("p", { class: `said ${answer.decision}` }, `${SIGNS[answer.decision]} ${told(answer)}`),
      who(answer)));

/**
 * An answer that can be changed.
 * @param {object} answer
 * @param {string} title what it is among the rows
 * @param {Function} changed called with a decision, or null to set the answer aside
 */
export function changeable(answer, title, changed) {
  const choice = (value, text) =>
    el("label", { class: `choice ${value ?? "aside"}` },
      el("input", { type: "radio", name: `choice-${answer.id}`, value: value ?? "", checked: value === answer.decision,
        on: { change: () => changed(value) } }),
      el("span", {}, text));
  return el("li", { class: "row" },
    el("div", { class: "two" }, thumbnail(answer.a), thumbnail(answer.b)),
    el("fieldset", { class: "about" },
      el("legend", {}, `${title}: ${told(answer).toLowerCase()}`),
      who(answer),
      el("div", { class: "choices" },
        ...DECISIONS.map((decision) => choice(decision, `${SIGNS[decision]} ${capital(WORDS[decision])}`)),
        choice(null, "Set aside"))));
}
