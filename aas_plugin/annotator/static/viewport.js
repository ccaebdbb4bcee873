/** One photo on the page: its picture, what is known of it, and where it lies in its viewport. */

import { el } from "./dom.js";
import { fitted, largePicture, photo, pictureNow } from "./gallery.js";
import { Zoom } from "./zoom.js";

const SHARP = 1.05;
const PIXELS_SEEN_FROM = 3;
const PATIENCE = 120;

export class Viewport {
  /** @param {HTMLElement} figure with `.lens`, `.layer`, `.problem`, `.name` and `.facts` inside */
  constructor(figure) {
    const part = (name) => figure.querySelector(`.${name}`);
    this.figure = figure;
    this.lens = part("lens");
    this.layer = part("layer");
    this.parts = { problem: part("problem"), name: part("name"), facts: part("facts"), mirrored: part("mirrored") };
    this.zoom = new Zoom();
    this.id = null;
    this.whole = false;
    this.onResize = () => {};
    new ResizeObserver(() => {
      this.zoom.setView(this.lens.clientWidth, this.lens.clientHeight);
      this.onResize();
      this.draw();
    }).observe(this.lens);
  }

  get photo() {
    return photo(this.id);
  }

  /** Whether the photo is a box of a larger one that can be shown as well. */
  get hasFrame() {
    return this.id !== null && this.photo.frame !== null;
  }

  get #prefix() {
    return this.whole ? "frame-" : "";
  }

  /** Show a photo, fitted; returns a promise of its picture, on the page at once where it is decoded already. */
  show(id) {
    this.id = id;
    this.zoom.mirrored = false;
    this.#describe();
    return this.#put(false);
  }

  /** Show the whole frame around a box, or the box. */
  showWhole(whole) {
    if (this.hasFrame) return this.#put(whole);
    return null;
  }

  clear() {
    this.id = null;
    this.base = this.full = null;
    this.layer.replaceChildren();
    this.parts.problem.hidden = true;
  }

  /** Why the photo cannot be judged, or null. */
  get problem() {
    return this.id === null ? null : (this.photo.problem ?? this.base?.problem ?? null);
  }

  #describe() {
    const { name, facts, problem } = this.photo;
    this.parts.name.textContent = name;
    this.parts.name.title = name;
    this.parts.facts.replaceChildren(
      ...facts.map(([what, value]) => el("span", { title: `${what}: ${value}` }, el("b", {}, `${what} `), String(value))),
    );
    this.#complain(problem);
  }

  #complain(problem) {
    this.parts.problem.textContent = problem ?? "";
    this.parts.problem.hidden = !problem;
  }

  #put(whole) {
    this.whole = whole;
    const { width, height, frame, problem, name } = this.photo;
    this.zoom.setPhoto(whole ? frame.width : width, whole ? frame.height : height);
    this.full = null;
    this.base = null;
    this.layer.replaceChildren();
    this.draw();
    if (problem) return Promise.resolve(null);
    const base = pictureNow(this.id, `${this.#prefix}${fitted()}`);
    this.base = base;
    const attach = () => {
      if (this.base !== base) return base;
      if (base.done) {
        base.image.alt = whole ? `${name}, whole frame` : name;
        base.image.className = "shown";
        this.layer.replaceChildren(base.image);
        if (whole) this.layer.append(this.#outline(frame));
        this.draw();
      } else this.#complain(base.problem);
      return base;
    };
    return base.done ? Promise.resolve(attach()) : base.ready.then(attach);
  }

  #outline({ box }) {
    const made = el("div", { class: "outline" });
    ["left", "top", "width", "height"].forEach((side, index) => (made.style[side] = `${box[index]}px`));
    return made;
  }

  /** Bring the page level with the zoom. */
  draw() {
    const { zoom, layer } = this;
    layer.style.width = `${zoom.width}px`;
    layer.style.height = `${zoom.height}px`;
    layer.style.transform = zoom.transform;
    layer.style.setProperty("--pixel", `${1 / zoom.scale}px`);
    layer.classList.toggle("pixels", zoom.scale / zoom.one >= PIXELS_SEEN_FROM);
    this.parts.mirrored.hidden = !zoom.mirrored;
    this.#sharpen();
  }

  /** Load the picture in full size once the scaled one has too few pixels; it takes the same place. */
  #sharpen() {
    const { base, zoom } = this;
    if (!base?.done || this.full || base.image.naturalWidth >= zoom.width) return;
    if (zoom.scale / zoom.one <= (base.image.naturalWidth / zoom.width) * SHARP) return;
    clearTimeout(this.patience);
    this.patience = setTimeout(async () => {
      if (this.base !== base || this.full) return;
      const full = (this.full = largePicture(this.id, `${this.#prefix}full`));
      await full.ready;
      if (this.full !== full || !full.done) return;
      full.image.alt = "";
      full.image.className = "full";
      base.image.after(full.image);
    }, PATIENCE);
  }
}
