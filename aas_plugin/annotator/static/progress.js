/** How far it is, and what there is to know when nothing is asked. */

import { byId } from "./dom.js";

const number = new Intl.NumberFormat("en");

/** "37 answered, 12 left, at most about 200 later". */
export function line({ answered, left, to_come, outlook }, underWay) {
  const parts = [`${number.format(answered + underWay)} answered`, `${number.format(Math.max(0, left - underWay))} left`];
  // An outlook says it itself.
  if (to_come && !outlook) parts.push(`at most about ${number.format(to_come)} later`);
  return parts.join(", ");
}

export function showProgress(state, underWay) {
  byId("progress-text").textContent = line(state, underWay);
  const bar = byId("progress-bar");
  bar.max = Math.max(1, state.answered + state.left + (state.to_come ?? 0));
  bar.value = state.answered + underWay;
  const outlook = byId("outlook");
  outlook.hidden = !state.outlook;
  // Set only when it changes, as it is read out each time.
  if (outlook.textContent !== state.outlook) outlook.textContent = state.outlook;
  const found = state.contradictions + state.disagreements;
  byId("contradictions-count").textContent = state.contradictions ? String(state.contradictions) : "";
  byId("contradictions-open").classList.toggle("some", state.contradictions > 0);
  byId("contradictions-open").title = found
    ? `${state.contradictions} contradictions, ${state.disagreements} disagreements of people`
    : "No answers contradict one another";
}

const THANKS = "All answered, thank you";

/** What the page says in the place of the photos: [title, sentence, command or null]. */
function words(state, { gone, underWay, trouble, started }) {
  const unkept = `${underWay} ${underWay === 1 ? "answer is" : "answers are"} not kept yet`;
  if (state?.run === "finished" && !underWay) {
    const { sentence, command } = split(state.go_on);
    return ["The run has finished", sentence || "There is nothing left to ask. Thank you.", command];
  }
  if (gone) {
    const kept = underWay ? `${unkept}; they stay in this browser and are sent when it is back.` : "All your answers are kept.";
    return ["The page's server has ended", `${kept} Start it again, and this page goes on by itself.`, null];
  }
  if (trouble) return ["Answers are not kept now", `${unkept}. This page tries again by itself.`, null];
  if (state?.finishing) return ["Finishing, thank you", "All answers are kept, and the groups are being written.", null];
  if (!state || !started) return ["One moment", "The first photos are coming.", null];
  const left = state.left - underWay;
  if (left > 0) {
    const told = `${number.format(left)} ${left === 1 ? "question that is left is" : "questions that are left are"} with other people`;
    return ["Nothing for you just now", `The ${told}. This page looks again by itself.`, null];
  }
  if (state.run === "running" || (state.run === "waiting" && !state.go_on))
    return [THANKS, "The run is at work; its next questions come by themselves.", null];
  const goOn = split(state.go_on);
  if (state.run === "failed" || state.run === "killed")
    return [THANKS, `The run ended early, and your answers are kept. ${goOn.sentence}`, goOn.command];
  return [THANKS, goOn.sentence || "There is nothing left to ask.", goOn.command];
}

/** A sentence that ends in a command, as both. */
function split(sentence) {
  const found = /^(.*?:)\s*(aas .*?)\.?$/s.exec(sentence ?? "");
  return found ? { sentence: found[1], command: found[2] } : { sentence: sentence ?? "", command: null };
}

/** Show, in the place of the photos, why none are there; `null` for `state` where it is not known. */
export function showPanel(visible, state, about) {
  byId("panel").hidden = !visible;
  if (!visible) return;
  const [title, sentence, command] = words(state, about);
  const texts = { "panel-title": title, "panel-text": sentence, "panel-command": command ?? "" };
  for (const [id, text] of Object.entries(texts)) if (byId(id).textContent !== text) byId(id).textContent = text;
  byId("panel-go-on").hidden = !command;
}

/** Copy a text; where the browser forbids it, select it, so that a key does. */
export async function copyCommand() {
  const code = byId("panel-command");
  try {
    await navigator.clipboard.writeText(code.textContent);
    byId("panel-copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    byId("panel-copy").textContent = "Press Ctrl+C";
  }
  setTimeout(() => (byId("panel-copy").textContent = "Copy"), 2000);
}

/** What is under way, or in trouble, as a line on the page. */
export function showOutbox(outbox) {
  const { size, trouble, lasting } = outbox;
  const many = `${size} ${size === 1 ? "answer is" : "answers are"} not kept yet`;
  const lost = `${many}, and this browser keeps none of them when the page is closed.`;
  const told = trouble ? `${many}: ${trouble.replace(/\.$/, "")}. Trying again.` : !lasting && size ? lost : "";
  byId("unkept").hidden = !told;
  // Set only when it changes, as it is read out each time.
  if (told && byId("unkept-text").textContent !== told) byId("unkept-text").textContent = told;
  byId("saved").textContent = trouble ? `${size} not kept yet` : size ? "Sending…" : "All answers kept";
  byId("saved").classList.toggle("waiting", size > 0);
}
