/** One's own answers, the oldest known first; older ones are asked of the server when they are needed. */

import { get } from "./api.js";
import { learn } from "./gallery.js";
import { identity } from "./identity.js";

const AT_ONCE = 20;

export class Past {
  constructor() {
    this.forget();
  }

  /** Forget all: they are asked for again when they are needed. */
  forget() {
    this.answers = [];
    this.complete = false;
    this.oldest = null;
  }

  /** Know older answers; whether there were any. Those in `gone` are being taken back. */
  async older(gone) {
    while (!this.complete) {
      const { person } = identity;
      const reply = await get("/api/history", { person, before: this.oldest, limit: AT_ONCE });
      if (person !== identity.person) return false;
      learn(reply.photos);
      this.complete = reply.answers.length < AT_ONCE;
      this.oldest = reply.answers.at(-1)?.id ?? this.oldest;
      const known = new Set(this.answers.map(({ id }) => id));
      const more = reply.answers.filter(({ id }) => !known.has(id) && !gone.has(id)).reverse();
      this.answers.unshift(...more);
      if (more.length) return true;
    }
    return false;
  }

  add(answer) {
    this.answers.push(answer);
  }

  /** Put an answer in the place of another, where that is known. */
  replace(id, answer) {
    const index = this.answers.findIndex((one) => one.id === id);
    if (index >= 0) this.answers[index] = answer;
  }

  remove(id) {
    this.answers = this.answers.filter((one) => one.id !== id);
  }
}
