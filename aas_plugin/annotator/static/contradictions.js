/** Answers that deny one another: shown at once, changed by the person, or left for later. */

import { get, post } from "./api.js";
import { close, open } from "./dialogs.js";
import { byId, say } from "./dom.js";
import { learn } from "./gallery.js";
import { identity, randomId } from "./identity.js";
import { changeable } from "./rows.js";
import { told } from "./words.js";

const ID = "contradiction-dialog";

export class Contradictions {
  #list = [];
  #index = 0;
  #changes = new Map();
  #sending = null;

  /** @param {Outbox} outbox @param {Function} changed called with the server's reply when answers changed */
  constructor(outbox, changed) {
    this.outbox = outbox;
    this.changed = changed;
    byId("contradiction-save").addEventListener("click", () => this.#save());
    byId("contradiction-later").addEventListener("click", () => this.#next());
  }

  /** Show the contradiction that an answer made. */
  show(contradiction) {
    if (byId(ID).open) {
      this.#list.push(contradiction);
      return;
    }
    this.#list = [contradiction];
    this.#index = 0;
    this.#draw();
  }

  /** Show all that there are, one after the other. */
  async list() {
    try {
      const reply = await get("/api/contradictions");
      learn(reply.photos);
      this.#list = reply.contradictions;
    } catch (error) {
      return say(`${error.message.replace(/\.$/, "")}.`);
    }
    this.#index = 0;
    if (!this.#list.length) return say("No answers contradict one another.");
    this.#draw();
  }

  #draw(still = false) {
    const { answer, chain } = this.#list[this.#index];
    this.#changes.clear();
    this.#sending = null;
    const many = this.#list.length > 1 ? ` (${this.#index + 1} of ${this.#list.length})` : "";
    const you = answer.person === identity.person ? "You" : answer.person;
    byId("contradiction-title").textContent = still
      ? `Still not settled${many}`
      : `${you} said “${told(answer).toLowerCase()}”. Earlier answers say otherwise${many}`;
    const row = (one, title) => changeable(one, title, (decision) => this.#choose(one, decision));
    byId("contradiction-rows").replaceChildren(
      row(answer, "The new answer"),
      ...chain.map((one, index) => row(one, `Earlier answer ${index + 1}`)),
    );
    byId("contradiction-problem").hidden = true;
    byId("contradiction-save").disabled = true;
    open(ID);
    byId("contradiction-rows").scrollTop = 0;
  }

  #choose(answer, decision) {
    if (decision === answer.decision) this.#changes.delete(answer.id);
    else this.#changes.set(answer.id, decision);
    this.#sending = null;
    byId("contradiction-save").disabled = !this.#changes.size;
  }

  async #save() {
    const { answer } = this.#list[this.#index];
    const { person, tab } = identity;
    const changes = [...this.#changes].map(([id, decision]) => ({ answer: id, decision }));
    this.#sending ??= { id: randomId(), person, tab, answer: answer.id, changes };
    byId("contradiction-save").disabled = true;
    try {
      const reply = await this.outbox.alone(() => post("/api/resolve", this.#sending));
      learn(reply.photos);
      this.changed(reply);
      if (reply.contradiction) {
        this.#list[this.#index] = reply.contradiction;
        this.#draw(true);
      } else {
        say("Settled. The answers are kept.");
        this.#list.splice(this.#index, 1);
        this.#index -= 1;
        this.#next();
      }
    } catch (error) {
      const problem = byId("contradiction-problem");
      problem.textContent = `This is not kept: ${error.message.replace(/\.$/, "")}.`;
      problem.hidden = false;
      byId("contradiction-save").disabled = false;
    }
  }

  #next() {
    this.#index += 1;
    if (this.#index < this.#list.length) this.#draw();
    else close(ID);
  }
}
