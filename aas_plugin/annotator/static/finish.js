/** Ending a run that asks until somebody says that it is enough: the button, and the question back. */

import { post } from "./api.js";
import { close, open } from "./dialogs.js";
import { byId } from "./dom.js";
import { identity } from "./identity.js";

const number = new Intl.NumberFormat("en");

export class Finish {
  #state = null;

  /** @param {Outbox} outbox @param {Function} done is called with the state that the server then tells */
  constructor(outbox, done) {
    this.outbox = outbox;
    this.done = done;
    byId("finish-open").hidden = false;
    byId("finish-now").addEventListener("click", () => this.#finish());
  }

  /** Bring button and dialog level with how it stands. */
  show(state) {
    this.#state = state;
    byId("finish-open").disabled = this.over;
    if (this.over && byId("finish-dialog").open) close("finish-dialog");
  }

  get over() {
    return !this.#state || this.#state.finishing || this.#state.run === "finished";
  }

  ask() {
    if (this.over) return;
    const left = Math.max(0, this.#state.left - this.outbox.fresh);
    const open_ones = `${number.format(left)} ${left === 1 ? "question of this batch is" : "questions of this batch are"} open.`;
    byId("finish-outlook").textContent = [this.#state.outlook, left ? open_ones : ""].join(" ").trim();
    byId("finish-problem").hidden = true;
    byId("finish-now").disabled = false;
    open("finish-dialog");
  }

  async #finish() {
    byId("finish-now").disabled = true;
    try {
      // Only once all answers are kept.
      const { person, tab } = identity;
      const reply = await this.outbox.alone(() => post("/api/finish", { person, tab }));
      close("finish-dialog");
      this.done(reply);
    } catch (error) {
      byId("finish-problem").textContent = `${error.message.replace(/\.$/, "")}.`;
      byId("finish-problem").hidden = false;
      byId("finish-now").disabled = false;
    }
  }
}
