/** The pairs that this tab has been handed, the shown one first. */

import { post } from "./api.js";
import { fitted, learn, prefetch } from "./gallery.js";
import { identity, keep, kept } from "./identity.js";

const WANT = 11;
const HELD = "aas-held";

export class Queue {
  #filling = null;

  /** @param {Outbox} outbox @param {{changed: Function, state: Function, trouble: Function}} on */
  constructor(outbox, on) {
    this.outbox = outbox;
    this.on = on;
    /** @type {{pair: string, a: number, b: number, cycle: number}[]} */
    this.pairs = [];
    try {
      this.remembered = JSON.parse(kept(sessionStorage, HELD)) ?? [];
    } catch {
      this.remembered = [];
    }
  }

  get first() {
    return this.pairs[0] ?? null;
  }

  /** Ask for pairs until there are enough, after all answers are known to the server; one request at a time. */
  fill() {
    this.#filling ??= this.outbox.alone(() => this.#claim()).finally(() => (this.#filling = null));
    return this.#filling;
  }

  async #claim() {
    const { person, tab } = identity;
    if (!person) return;
    const held = this.pairs.length ? this.pairs.map((one) => one.pair) : this.remembered;
    this.remembered = [];
    let reply;
    try {
      reply = await post("/api/claim", { person, tab, held, want: WANT, size: fitted() });
    } catch (error) {
      this.on.trouble(error);
      return;
    }
    if (person !== identity.person) return;
    learn(reply.photos);
    const known = new Set(this.pairs.map((one) => one.pair));
    // What was answered, put off or taken back while this was asked is not yet known to the server.
    const settled = (pair) => !this.outbox.has(pair);
    this.pairs.push(...reply.pairs.filter(({ pair }) => !known.has(pair) && settled(pair)));
    this.drop(reply.gone.filter(settled));
    // Pairs first: of what is left with none on the screen the page says that others have it.
    this.#changed();
    this.on.state(reply.state);
  }

  /** Leave out pairs that are asked no more. */
  drop(pairs) {
    const gone = new Set((pairs ?? []).filter((pair) => !this.outbox.has(pair)));
    if (!gone.size) return;
    this.pairs = this.pairs.filter(({ pair }) => !gone.has(pair));
    this.#changed();
  }

  /** Take a pair out because it was answered or put off. */
  take(pair) {
    this.pairs = this.pairs.filter((one) => one.pair !== pair);
    this.#remember();
  }

  /** Ask a pair now, or next. */
  put(asked, now) {
    const rest = this.pairs.filter(({ pair }) => pair !== asked.pair);
    this.pairs = now || !rest.length ? [asked, ...rest] : [rest[0], asked, ...rest.slice(1)];
    this.#remember();
  }

  clear() {
    this.pairs = [];
    this.#remember();
  }

  #changed() {
    this.#remember();
    this.on.changed();
  }

  #remember() {
    keep(sessionStorage, HELD, JSON.stringify(this.pairs.map(({ pair }) => pair)));
    prefetch(this.pairs.flatMap(({ a, b }) => [a, b]));
  }
}
