/** Dialogs: opened one at a time, closed by Escape, a button or a click beside them. */

import { byId, el } from "./dom.js";

/** Whether keys are a dialog's now. */
export const anyOpen = () => document.querySelector("dialog[open]") !== null;

/** Open a dialog; its heading has the focus, so that no key does anything by chance. */
export function open(id) {
  const dialog = byId(id);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("h2")?.focus();
  return dialog;
}

export const close = (id) => byId(id).close();

/** Wire what all dialogs have: a click on the backdrop, and buttons that close. */
export function wire() {
  for (const dialog of document.querySelectorAll("dialog:not([data-firm])")) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  }
}

/** Fill the body of a dialog while `load` works; an error's sentence is shown in its place. */
export async function fill(body, load) {
  body.replaceChildren(el("p", { class: "quiet" }, "One moment…"));
  try {
    body.replaceChildren(...[await load()].flat());
  } catch (error) {
    body.replaceChildren(el("p", { class: "bad", role: "alert" }, `${error.message.replace(/\.$/, "")}.`));
  }
}

/** Ask for the person's name; resolves to it, or to null where it stays as it is. */
export function askName(current) {
  const dialog = byId("name-dialog");
  const field = byId("name-field");
  field.value = current ?? "";
  byId("name-cancel").hidden = !current;
  return new Promise((resolve) => {
    const done = (name) => {
      dialog.close();
      resolve(name);
    };
    dialog.oncancel = (event) => {
      event.preventDefault();
      if (current) done(null);
    };
    byId("name-cancel").onclick = () => done(null);
    byId("name-form").onsubmit = (event) => {
      event.preventDefault();
      const name = field.value.trim();
      const odd = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(name);
      field.setCustomValidity(name && !odd ? "" : "A name has 1 to 60 characters that can be printed.");
      if (field.reportValidity()) done(name);
    };
    field.oninput = () => field.setCustomValidity("");
    dialog.showModal();
    field.select();
  });
}
