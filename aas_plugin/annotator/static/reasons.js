/** The bar that asks, after "cannot tell", why; no answer is needed. */

import { byId, el } from "./dom.js";

export class Reasons {
  #answer = null;

  /** @param {Function} choose called with the answer's id and the reason */
  constructor(choose) {
    this.choose = choose;
    this.reasons = [];
    byId("reasons-close").addEventListener("click", () => this.hide());
  }

  set(reasons) {
    this.reasons = reasons;
    byId("reasons-list").replaceChildren(
      ...reasons.map((reason, index) =>
        el("button", { type: "button", class: "reason", on: { click: () => this.pick(index) } }, `${reason} `,
          el("kbd", { "aria-hidden": "true" }, String(index + 1)))),
    );
  }

  get count() {
    return this.reasons.length;
  }

  get open() {
    return this.#answer !== null;
  }

  ask(answer) {
    this.#answer = answer;
    byId("reasons").hidden = false;
  }

  hide() {
    this.#answer = null;
    byId("reasons").hidden = true;
  }

  /** Take a reason by its place; whether there is one. */
  pick(index) {
    const answer = this.#answer;
    if (answer === null || !(index in this.reasons)) return false;
    this.hide();
    this.choose(answer, this.reasons[index]);
    return true;
  }
}
