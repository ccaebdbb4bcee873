/** The page on which people say whether two photos show the same animal. */

import { get } from "./api.js";
import { Contradictions } from "./contradictions.js";
import { askName, open, wire } from "./dialogs.js";
import { byId, endWarning, say, warn } from "./dom.js";
import { Finish } from "./finish.js";
import { learn } from "./gallery.js";
import { Groups } from "./groups.js";
import { identity } from "./identity.js";
import { listenKeys } from "./keys.js";
import { Outbox } from "./outbox.js";
import { Past } from "./past.js";
import { copyCommand, showOutbox, showPanel, showProgress } from "./progress.js";
import { Question } from "./question.js";
import { Queue } from "./queue.js";
import { Reasons } from "./reasons.js";
import { Stage } from "./stage.js";
import { showPeople, showWhy } from "./telling.js";
import { wireTheme } from "./theme.js";
import { WORDS } from "./words.js";

const POLL = 2000;
const RENEW = 240000;
const PATIENCE = 1500;

let session = { blind: true, reasons: [] };
let state = null;
let gone = false;
let started = false;
let outbox, queue, question, contradictions, groups, finish;
const past = new Past();
const stage = new Stage({ swipe: (decision) => question?.decide(decision) });
const reasons = new Reasons((id, reason) => {
  const answer = past.answers.find((one) => one.id === id);
  if (answer) question.change(answer, "cannot_tell", reason);
});

function setState(next) {
  if (!next) return;
  state = next;
  gone = false;
  started = true;
  show();
}

/** Bring everything beside the photos level with what is known. */
function show() {
  if (!outbox || !question) return;
  gone = gone || (outbox.silent && outbox.failures > 1);
  if (state) showProgress(state, outbox.fresh);
  finish?.show(state);
  showOutbox(outbox);
  const panel = !question.pair && Boolean(identity.person);
  showPanel(panel, state, { gone, underWay: outbox.size, trouble: outbox.trouble, started });
  document.body.dataset.state = panel ? (gone ? "gone" : (state?.state ?? "")) : "pair";
  const why = document.querySelector('button[data-command="why"]');
  why.disabled = !question.pair || (session.blind && !question.answer);
  why.title = session.blind && !question.answer ? "Told once you have answered the pair" : "Why is this pair asked?";
}

function kept(entry, reply) {
  learn(reply.photos);
  gone = false;
  if (entry.path === "/api/undo") undone(entry, reply);
  if (reply.answer && entry.path === "/api/answers") past.replace(reply.answer.id, reply.answer);
  queue.drop(reply.gone);
  setState(reply.state);
  if (entry.path === "/api/answers") question.kept(entry, (state?.mine ?? 0) + outbox.fresh + 1);
  if (reply.contradiction) contradictions.show(reply.contradiction);
  question.refresh();
}

function undone(entry, reply) {
  if (reply.pair === null) {
    queue.take(entry.asked.pair);
    say("Taken back. The pair is not asked now.");
  }
}

function refused(entry, error) {
  outbox.dropAfter(entry.body.id);
  const said = entry.body.decision ? `Your answer “${WORDS[entry.body.decision]}” was not kept` : "This was not done";
  warn(`${said}: ${error.message}`);
  past.remove(entry.body.id);
  if (entry.body.replaces || entry.path === "/api/undo") past.forget();
  else queue.put(entry.asked, false);
  queue.fill();
  if (question.answer || !question.pair) question.refresh();
}

/** Answers were changed in a dialog. */
function changed(reply) {
  setState(reply.state);
  question.restart();
  queue.fill();
}

/** The run is to end: nothing that was handed out is asked any more. */
function finished(reply) {
  queue.clear();
  changed(reply);
}

async function poll() {
  if (!identity.person || !queue) return;
  const idle = !question.pair || gone;
  if (idle && !document.hidden) {
    try {
      const next = await get("/api/state", { person: identity.person });
      outbox.wake();
      // Only whoever asks for pairs knows whether all that are left are with other people.
      if (!queue.pairs.length && next.left > 0) await queue.fill();
      else setState(next);
    } catch (error) {
      lost(error);
    }
  }
}

function lost(error) {
  gone = error.silent;
  if (!error.silent) warn(error.message);
  show();
}

async function rename() {
  const name = await askName(identity.person);
  if (!name || name === identity.person) return;
  identity.rename(name);
  byId("person-name").textContent = name;
  queue.clear();
  question.restart();
  state = null;
  await queue.fill();
}

/** Nothing that changes answers while the name is not known. */
const asking = (what) => (time) => identity.person && question && what(time);

const commands = {
  same: asking((time) => question.decide("same", time)),
  different: asking((time) => question.decide("different", time)),
  "cannot-tell": asking((time) => question.decide("cannot_tell", time)),
  later: asking((time) => question.later(time)),
  undo: asking(() => question.undo()),
  backward: asking(() => question.backward()),
  forward: asking(() => question.forward()),
  leave: asking(() => question.leave()),
  fit: () => stage.fit(),
  one: () => stage.oneToOne(),
  nearer: () => stage.step(1),
  farther: () => stage.step(-1),
  link: () => stage.toggleLink(),
  "mirror-left": () => stage.mirror(0),
  "mirror-right": () => stage.mirror(1),
  frames: () => stage.toggleFrames(),
  reset: () => stage.reset(),
  brighter: () => stage.changeLight("brightness", 10),
  darker: () => stage.changeLight("brightness", -10),
  "more-contrast": () => stage.changeLight("contrast", 10),
  "less-contrast": () => stage.changeLight("contrast", -10),
  "pan-left": () => stage.pan(-1, 0),
  "pan-right": () => stage.pan(1, 0),
  "pan-up": () => stage.pan(0, -1),
  "pan-down": () => stage.pan(0, 1),
  why: asking(() => {
    if (!question.pair) return;
    if (session.blind && !question.answer) say("Why this pair is asked is told once you have answered it.");
    else showWhy(question.pair.pair);
  }),
  groups: asking(() => groups.show()),
  contradictions: asking(() => contradictions.list()),
  people: () => showPeople(),
  finish: asking(() => finish?.ask()),
  help: () => open("help-dialog"),
  person: () => rename(),
  copy: () => copyCommand(),
  "warning-close": () => endWarning(),
  "try-now": () => outbox.wake(),
};

/** Know the run, however long the server takes to be there. */
async function know() {
  for (;;) {
    try {
      return await get("/api/session");
    } catch (error) {
      warn(`${error.message.replace(/\.$/, "")}; trying again.`);
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    }
  }
}

async function start() {
  wire();
  wireTheme();
  listenKeys(commands, reasons);
  [session] = await Promise.all([know(), identity.settle()]);
  endWarning();
  byId("run-name").textContent = session.run;
  document.title = `${session.run}: same animal?`;
  reasons.set(session.reasons);
  outbox = new Outbox(session.key, { kept, refused, changed: show });
  queue = new Queue(outbox, { changed: () => question.refresh(), state: setState, trouble: lost });
  contradictions = new Contradictions(outbox, changed);
  groups = new Groups(outbox, changed);
  if (session.finish) finish = new Finish(outbox, finished);
  question = new Question({ stage, queue, past, outbox, reasons, changed: show });
  if (!identity.person) identity.rename(await askName(null));
  byId("person-name").textContent = identity.person;
  outbox.load();
  show();
  queue.fill();
  setInterval(poll, POLL);
  setInterval(() => queue.fill(), RENEW);
  addEventListener("online", () => outbox.wake());
}

start();
