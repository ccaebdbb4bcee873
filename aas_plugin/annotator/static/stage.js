/** The two photos side by side: linked zoom, mirrored flanks, light, crop and whole frame. */

import { byId, say } from "./dom.js";
import { listen } from "./gestures.js";
import { Viewport } from "./viewport.js";

const STEP = 1.25;
const STRIDE = 80;
const LIGHT = { brightness: 100, contrast: 100 };
const NAMES = ["left", "right"];

export class Stage {
  #views = NAMES.map((name) => new Viewport(byId(`photo-${name}`)));
  /** How many times nearer the right photo is than the left, each to its fit, while they are linked. */
  #ratio = 1;

  /** @param {{swipe: Function}} on `swipe(decision)` */
  constructor(on) {
    this.linked = true;
    this.light = { ...LIGHT };
    for (const view of this.#views) {
      view.onResize = () => this.linked && this.#follow(this.#lead);
      listen(view, {
        zoom: (factor, left, top) => this.#zoom(view, view.zoom.scale * factor, left, top),
        move: (right, down) => this.#move(view, right, down),
        pinch: (factor, from, to) => {
          view.zoom.zoomTo(view.zoom.scale * factor, from.left, from.top);
          this.#move(view, to.left - from.left, to.top - from.top);
        },
        fit: () => this.fit(),
        swipe: (decision) => on.swipe(decision),
        swiping: (decision) => (byId("stage").dataset.swipe = decision ?? ""),
      });
    }
    for (const name of Object.keys(LIGHT))
      byId(name).addEventListener("input", (event) => this.setLight(name, Number(event.target.value)));
  }

  /** Show two photos, fitted and as they are; returns a promise that both pictures are there or cannot be. */
  show(a, b) {
    this.#ratio = 1;
    const ready = [this.#views[0].show(a), this.#views[1].show(b)];
    this.#tell();
    return Promise.all(ready);
  }

  clear() {
    this.#views.forEach((view) => view.clear());
  }

  /** Why not both photos can be judged, or null. */
  get problem() {
    return this.#views.map((view) => view.problem).find(Boolean) ?? null;
  }

  /** Zoom in or out, about the pointer where it is over a photo. */
  step(direction) {
    const view = this.#lead;
    const factor = direction > 0 ? STEP : 1 / STEP;
    for (const one of this.linked || view.pointer ? [view] : this.#views)
      this.#zoom(one, one.zoom.scale * factor, one.pointer?.left, one.pointer?.top);
  }

  /** Move what is seen, as the arrow points. */
  pan(right, down) {
    for (const view of this.linked ? [this.#lead] : this.#views) this.#move(view, -right * STRIDE, -down * STRIDE);
  }

  fit() {
    this.#ratio = 1;
    for (const view of this.#views) {
      view.zoom.reset();
      view.draw();
    }
    this.#tell();
  }

  /** One pixel of a photo is one pixel of the screen, on both. */
  oneToOne() {
    for (const view of this.#views) {
      const { pointer, zoom } = view;
      zoom.zoomTo(zoom.one, pointer?.left, pointer?.top);
      view.draw();
    }
    const lead = this.#lead;
    this.#ratio = this.#nearness(1) / this.#nearness(0);
    if (this.linked) this.#follow(lead);
    this.#tell();
    say("One pixel of the photos is one pixel of the screen.");
  }

  toggleLink() {
    this.linked = !this.linked;
    this.#ratio = 1;
    if (this.linked) this.#follow(this.#views[0]);
    this.#tell();
    say(this.linked ? "Both photos zoom together." : "Each photo zooms by itself.");
  }

  mirror(side) {
    const view = this.#views[side];
    const { zoom } = view;
    zoom.mirrored = !zoom.mirrored;
    if (!this.linked) zoom.x = 1 - zoom.x;
    view.draw();
    this.#tell();
    say(`The ${NAMES[side]} photo is ${zoom.mirrored ? "mirrored" : "as it was taken"}.`);
  }

  /** From crops to whole frames and back, where they are known. */
  async toggleFrames() {
    if (!this.#views.some((view) => view.hasFrame)) return say("No larger frame of these photos is known.");
    const whole = !this.#views.some((view) => view.whole);
    this.#ratio = 1;
    const ready = this.#views.map((view) => view.showWhole(whole));
    this.fit();
    say(whole ? "Whole frames." : "Crops.");
    await Promise.all(ready);
  }

  setLight(name, value) {
    const slider = byId(name);
    this.light[name] = Math.min(Number(slider.max), Math.max(Number(slider.min), value));
    slider.value = this.light[name];
    slider.setAttribute("aria-valuetext", `${this.light[name]} %`);
    const plain = Object.keys(LIGHT).every((one) => this.light[one] === LIGHT[one]);
    const filter = plain ? "" : `brightness(${this.light.brightness}%) contrast(${this.light.contrast}%)`;
    for (const view of this.#views) view.lens.style.filter = filter;
  }

  changeLight(name, by) {
    this.setLight(name, this.light[name] + by);
    say(`${name === "brightness" ? "Brightness" : "Contrast"} ${this.light[name]} %.`);
  }

  /** Everything as it was when the pair came. */
  reset() {
    for (const view of this.#views) {
      if (view.whole) view.showWhole(false);
      view.zoom.mirrored = false;
    }
    for (const [name, value] of Object.entries(LIGHT)) this.setLight(name, value);
    this.fit();
    say("Zoom, mirror and light are reset.");
  }

  #zoom(view, scale, left, top) {
    view.zoom.zoomTo(scale, left, top);
    this.#moved(view);
  }

  #move(view, right, down) {
    view.zoom.move(right, down);
    this.#moved(view);
  }

  #moved(view) {
    view.draw();
    if (this.linked) this.#follow(view);
    this.#tell();
  }

  #nearness(side) {
    const { scale, fit } = this.#views[side].zoom;
    return scale / fit;
  }

  /** The photo that a key is about first: that under the pointer, or one that is there. */
  get #lead() {
    const views = this.#views;
    return views.find((view) => view.pointer) ?? views.find((view) => !view.problem) ?? views[0];
  }

  /** Bring the other photo to the same place and scale as this one. */
  #follow(lead) {
    const side = this.#views.indexOf(lead);
    const other = this.#views[1 - side];
    const ratio = side === 0 ? this.#ratio : 1 / this.#ratio;
    const { zoom } = other;
    Object.assign(zoom, { scale: this.#nearness(side) * ratio * zoom.fit, x: lead.zoom.x, y: lead.zoom.y });
    other.draw();
  }

  /** What the buttons say of the photos. */
  #tell() {
    const pressed = (command, on) =>
      document.querySelector(`button[data-command="${command}"]`).setAttribute("aria-pressed", String(on));
    pressed("link", this.linked);
    this.#views.forEach((view, side) => pressed(`mirror-${NAMES[side]}`, view.zoom.mirrored));
    pressed("frames", this.#views.some((view) => view.whole));
    document.querySelector('button[data-command="frames"]').disabled = !this.#views.some((view) => view.hasFrame);
    const { zoom } = this.#views.find((view) => !view.problem) ?? this.#views[0];
    const percent = Math.round((100 * zoom.scale) / zoom.one);
    byId("scale").textContent = `${percent} %`;
  }
}
