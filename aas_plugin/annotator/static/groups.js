/** Photos that answers put together, and taking some of them apart. */

import { get, post } from "./api.js";
import { close, fill, open } from "./dialogs.js";
import { byId, el, say } from "./dom.js";
import { learn, photo } from "./gallery.js";
import { identity, randomId } from "./identity.js";
import { row, thumbnail } from "./rows.js";

const ID = "groups-dialog";

export class Groups {
  /** @param {Outbox} outbox @param {Function} changed called with the server's reply when answers changed */
  constructor(outbox, changed) {
    this.outbox = outbox;
    this.changed = changed;
    this.body = byId("groups-body");
  }

  show() {
    open(ID);
    return fill(this.body, async () => {
      const { groups, photos } = await get("/api/groups");
      learn(photos);
      if (!groups.length) return el("p", {}, "No answer says that two photos show the same animal yet.");
      const about = "Photos that answers put together. Choose those that do not belong, then take them apart.";
      return [el("p", {}, about), ...groups.map((group, index) => this.#group(group, index))];
    });
  }

  #group({ photos, answers }, index) {
    const chosen = new Set();
    const apart = el("button", { type: "button", disabled: true, on: { click: () => this.#preview([...chosen]) } }, "Take apart");
    const choose = (button, id) => {
      if (!chosen.delete(id)) chosen.add(id);
      button.setAttribute("aria-pressed", String(chosen.has(id)));
      apart.disabled = !chosen.size || chosen.size === photos.length;
      apart.textContent = chosen.size ? `Take ${chosen.size} apart` : "Take apart";
    };
    const buttons = photos.map((id) => {
      const name = { "aria-pressed": "false", "aria-label": `Choose ${photo(id).name}` };
      const button = el("button", { type: "button", class: "thumb", ...name }, thumbnail(id, false));
      button.addEventListener("click", () => choose(button, id));
      return button;
    });
    const title = `Group ${index + 1}: ${photos.length} photos, ${answers} ${answers === 1 ? "answer" : "answers"}`;
    return el("section", { class: "group" }, el("div", { class: "group-top" }, el("h3", {}, title), apart),
      el("div", { class: "strip" }, ...buttons));
  }

  #preview(photos) {
    const { person, tab } = identity;
    return fill(this.body, async () => {
      const reply = await post("/api/unmerge/preview", { photos });
      learn(reply.photos);
      const answers = reply.answers.map(({ id }) => id);
      const body = { id: randomId(), person, tab, photos, answers };
      const problem = el("p", { class: "bad", role: "alert", hidden: true });
      const many = `${answers.length} ${answers.length === 1 ? "answer" : "answers"}`;
      const confirm = el("button", { type: "button", class: "main" }, `Take back ${many}`);
      confirm.addEventListener("click", () => this.#apart(body, confirm, problem));
      const back = el("button", { type: "button", on: { click: () => this.show() } }, "Back");
      return [
        el("p", {}, "Taking these apart takes back the answers below; their pairs are asked again."),
        el("ul", { class: "rows" }, ...reply.answers.map(row)),
        problem,
        el("div", { class: "foot" }, back, confirm),
      ];
    });
  }

  async #apart(body, confirm, problem) {
    confirm.disabled = true;
    try {
      const reply = await this.outbox.alone(() => post("/api/unmerge", body));
      learn(reply.photos);
      this.changed(reply);
      close(ID);
      say(`Taken apart: ${body.answers.length} taken back, to be asked again.`);
    } catch (error) {
      problem.textContent = `Nothing was changed: ${error.message.replace(/\.$/, "")}.`;
      problem.hidden = false;
      confirm.disabled = error.lasting;
    }
  }
}
