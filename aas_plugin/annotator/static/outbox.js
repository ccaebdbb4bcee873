/**
 * What the person did and the server has not acknowledged yet: sent in order, one at a time, and kept over a reload.
 *
 * Each entry lies under a key of its own in the browser's store, so that two tabs never overwrite one another's; an
 * entry that two tabs send is written once, because its id is part of it.
 */

import { post } from "./api.js";
import { keep, kept, randomId } from "./identity.js";

const SHORTEST = 500;
const LONGEST = 15000;

export class Outbox {
  #entries = [];
  #jobs = [];
  #busy = false;
  #last = 0;
  #wake = null;

  /**
   * @param {string} key of the run
   * @param {{kept: Function, refused: Function, changed: Function}} on what is told: an entry with the server's reply;
   *   an entry with its error, which is out of the box then; that anything changed
   */
  constructor(key, on) {
    this.prefix = `aas-outbox-${key}-`;
    this.on = on;
    /** Why the first entry is not kept yet, or null. */
    this.trouble = null;
    this.failures = 0;
    /** Whether the server said nothing at all. */
    this.silent = false;
    /** Whether the browser keeps entries over a reload. */
    this.lasting = true;
  }

  get size() {
    return this.#entries.length;
  }

  /** Whether something that concerns this pair is under way. */
  has(pair) {
    return this.#entries.some((entry) => entry.asked.pair === pair);
  }

  /** Ids of the answers that are being taken back. */
  get replaced() {
    return new Set(this.#entries.flatMap(({ body }) => [body.replaces, body.answer]).filter(Boolean));
  }

  /** The decisions under way that are no change of an earlier one. */
  get fresh() {
    return this.#entries.filter((entry) => entry.path === "/api/answers" && !entry.body.replaces).length;
  }

  /** Take up what earlier visits left; returns how many there are. */
  load() {
    let keys = [];
    try {
      keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).sort();
    } catch {
      this.lasting = false;
    }
    for (const key of keys) {
      try {
        const entry = JSON.parse(kept(localStorage, key));
        if (typeof entry.path === "string" && entry.body && entry.asked) this.#entries.push({ ...entry, key });
      } catch {
        keep(localStorage, key, null);
      }
    }
    this.#run();
    return this.#entries.length;
  }

  /** @param {{path: string, body: object, asked: object}} entry `asked` is the pair that it is about */
  push(entry) {
    this.#last = Math.max(Date.now(), this.#last + 1);
    const key = `${this.prefix}${String(this.#last).padStart(15, "0")}-${randomId()}`;
    this.lasting = keep(localStorage, key, JSON.stringify(entry));
    this.#entries.push({ ...entry, key });
    this.#run();
    this.on.changed();
  }

  /** Do something when the box is empty, and nothing else meanwhile: what is asked then knows of all answers. */
  alone(job) {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => job().then(resolve, reject));
      this.#run();
    });
  }

  /** Drop what builds on an answer that was refused. */
  dropAfter(answer) {
    for (const entry of this.#entries.filter((one) => [one.body.replaces, one.body.answer].includes(answer)))
      this.#drop(entry);
  }

  /** Try again now. */
  wake() {
    this.#wake?.();
  }

  #drop(entry) {
    this.#entries = this.#entries.filter((one) => one !== entry);
    keep(localStorage, entry.key, null);
  }

  async #run() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#entries.length || this.#jobs.length) {
      if (this.#entries.length) await this.#send(this.#entries[0]);
      else await this.#jobs.shift()();
    }
    this.#busy = false;
  }

  async #send(entry) {
    try {
      const reply = await post(entry.path, entry.body);
      this.#calm();
      this.#drop(entry);
      this.#tell(() => this.on.kept(entry, reply));
    } catch (error) {
      if (error.lasting) {
        this.#calm();
        this.#drop(entry);
        this.#tell(() => this.on.refused(entry, error));
      } else {
        this.trouble = error.message;
        this.silent = error.silent;
        this.failures += 1;
        this.on.changed();
        await new Promise((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, Math.min(LONGEST, SHORTEST * 2 ** (this.failures - 1)));
        });
      }
    }
    this.on.changed();
  }

  #calm() {
    this.trouble = null;
    this.failures = 0;
  }

  /** An error while the page draws must not keep the next answer from being sent. */
  #tell(what) {
    try {
      what();
    } catch (error) {
      console.error(error);
    }
  }
}
