/** The question on the screen: a new pair, or one of one's own answers that is looked at again. */

import { byId, painted, say, warn } from "./dom.js";
import { identity, randomId } from "./identity.js";
import { DECISIONS, WORDS, capital, told } from "./words.js";

const STARTLED = 700;

window.aasTimings = [];

export class Question {
  #back = null;
  #shown = null;
  #turn = 0;
  #ready = false;
  #deafUntil = 0;
  #steps = Promise.resolve();
  #stepping = 0;

  /** @param {{stage, queue, past, outbox, reasons, changed: Function}} parts of the page that it works with */
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** The answer that is looked at again, or null. */
  get answer() {
    return this.#back === null ? null : this.past.answers[this.#back];
  }

  /** The pair on the screen, or null. */
  get pair() {
    return this.#shown;
  }

  /** Bring the screen level with the queue; a pair that stays is not drawn again. */
  refresh() {
    const next = this.answer ?? this.queue.first;
    if (next?.pair === this.#shown?.pair) return this.#describe();
    if (this.#shown && this.#ready) {
      // Whoever is about to press a key looks at the pair before.
      this.#deafUntil = performance.now() + STARTLED;
      say("That pair is not asked any more. Here is the next.");
    }
    this.#show(next);
  }

  /** Show a pair, an answer or nothing; `pressed` is the time of the key that led to it. */
  async #show(asked, pressed = null) {
    const turn = ++this.#turn;
    this.#shown = asked;
    this.#ready = false;
    document.body.dataset.ready = "";
    document.body.dataset.pair = asked?.pair ?? "";
    if (!asked) {
      this.stage.clear();
      this.#describe();
      return;
    }
    const both = this.stage.show(asked.a, asked.b);
    this.#describe();
    await both;
    const time = await painted();
    if (turn !== this.#turn) return;
    this.#ready = true;
    document.body.dataset.ready = asked.pair;
    if (pressed !== null) window.aasTimings.push(Math.max(time, performance.now()) - pressed);
    this.#describe();
  }

  #describe() {
    const { answer } = this;
    const problem = this.#shown ? this.stage.problem : null;
    for (const decision of DECISIONS) {
      const button = byId(decision);
      button.disabled = !this.#shown || (Boolean(problem) && decision !== "cannot_tell");
      button.setAttribute("aria-pressed", String(answer?.decision === decision));
    }
    byId("later").disabled = !this.#shown || Boolean(answer);
    byId("looking-back").hidden = !answer;
    if (answer) {
      const index = this.past.answers.length - this.#back;
      const effect = answer.in_effect === false ? " It denies other answers and does not count." : "";
      byId("looking-back-text").textContent = `Looking back ${index}: you said ${told(answer).toLowerCase()}.${effect}`;
    }
    this.changed();
  }

  /** Say what the pair on the screen is; `time` is that of the key. */
  decide(decision, time = performance.now()) {
    if (!this.#mayAnswer()) return;
    if (this.stage.problem && decision !== "cannot_tell")
      return say("Not both photos can be seen: cannot tell (U), or later (Space).");
    const { answer } = this;
    if (answer) return this.#revise(answer, decision);
    const asked = this.#shown;
    const { person, tab } = identity;
    const id = randomId();
    const { pair, a, b, key, cycle } = asked;
    this.past.add({ id, pair, a, b, key, cycle, decision, reason: "", person, in_effect: true });
    this.queue.take(pair);
    const body = { id, person, tab, pair, key, decision };
    this.outbox.push({ path: "/api/answers", body, asked: { pair, a, b, key, cycle } });
    this.reasons.hide();
    if (decision === "cannot_tell") this.reasons.ask(id);
    this.#onward(time);
  }

  /** Say something else of the answer that is looked at again. */
  #revise(answer, decision) {
    const same = answer.decision === decision;
    if (same) say(`Your answer is ${WORDS[decision]} already.`);
    const id = same ? answer.id : this.change(answer, decision);
    if (decision === "cannot_tell") this.reasons.ask(id);
  }

  /** Put another decision, or a reason, in the place of an answer; returns the id of the new one. */
  change(answer, decision, reason = "") {
    const { person, tab } = identity;
    const { pair, a, b, key, cycle } = answer;
    const id = randomId();
    const body = { id, person, tab, pair, key, decision, replaces: answer.id, ...(reason && { reason }) };
    this.past.replace(answer.id, { ...answer, id, decision, reason, in_effect: true });
    this.outbox.push({ path: "/api/answers", body, asked: { pair, a, b, key, cycle } });
    this.#describe();
    return id;
  }

  later(time = performance.now()) {
    if (!this.#mayAnswer() || this.answer) return;
    const asked = this.#shown;
    const { person, tab } = identity;
    this.queue.take(asked.pair);
    this.outbox.push({ path: "/api/later", body: { person, tab, pair: asked.pair }, asked });
    say("Put behind the others.");
    this.#onward(time);
  }

  /** Take an answer back, the shown one or the last; its pair is asked again at once. */
  undo() {
    return this.#step(() => this.#undo());
  }

  /** Look at the answer before. */
  backward() {
    return this.#step(() => this.#backward());
  }

  /** One after the other, as older answers may have to come first; no answer is taken meanwhile. */
  #step(what) {
    this.#stepping += 1;
    this.#steps = this.#steps.then(what).catch(console.error).finally(() => (this.#stepping -= 1));
    return this.#steps;
  }

  async #undo() {
    const { past } = this;
    if (!this.answer && !past.answers.length && !(await this.#older())) return say("There is no answer to take back.");
    const answer = this.answer ?? past.answers.at(-1);
    const { pair, a, b, key, cycle } = answer;
    const { person, tab } = identity;
    this.#back = null;
    past.remove(answer.id);
    this.reasons.hide();
    this.outbox.push({ path: "/api/undo", body: { person, tab, answer: answer.id }, asked: { pair, a, b, key, cycle } });
    say(`Taken back: ${told(answer).toLowerCase()}.`);
    this.queue.put({ pair, a, b, key, cycle }, true);
    this.#show(this.queue.first);
  }

  async #backward() {
    const { past } = this;
    const index = this.#back ?? past.answers.length;
    if (index === 0) {
      const before = past.answers.length;
      if (!(await this.#older())) return say(before ? "This is your first answer." : "You have no answer yet.");
      this.#back = past.answers.length - before;
    } else this.#back = index;
    this.#back -= 1;
    this.#look();
  }

  /** Look at the answer after, or go on with the questions. */
  forward() {
    if (this.#back === null) return;
    this.#back += 1;
    if (this.#back >= this.past.answers.length) return this.leave();
    this.#look();
  }

  /** Stop looking back. */
  leave() {
    if (this.#back === null) return;
    this.#back = null;
    this.#show(this.queue.first);
    say("Back to the questions.");
  }

  /** Begin anew, because answers changed elsewhere or somebody else answers now. */
  restart() {
    this.#back = null;
    this.past.forget();
    this.#show(this.queue.first);
  }

  #look() {
    this.reasons.hide();
    this.#show(this.answer);
    say(`You said ${told(this.answer).toLowerCase()}.`);
  }

  async #older() {
    try {
      return await this.past.older(this.outbox.replaced);
    } catch (error) {
      warn(`${error.message}, so older answers cannot be shown now.`);
      return false;
    }
  }

  /** Keys count once the pair has been on the screen. */
  #mayAnswer() {
    return this.#shown && this.#ready && !this.#stepping && performance.now() >= this.#deafUntil;
  }

  #onward(time) {
    this.#show(this.queue.first, time);
    this.queue.fill();
  }

  /** What is said when an answer is kept. */
  kept(entry, number) {
    const { decision, replaces, reason } = entry.body;
    if (reason) return say(`The reason is kept: ${reason}.`);
    if (replaces) return say(`Changed to ${WORDS[decision]}.`);
    const why = this.reasons.open ? `, 1 to ${this.reasons.count} say why` : "";
    say(`${capital(WORDS[decision])} kept${why}. Pair ${number}.`);
  }
}
