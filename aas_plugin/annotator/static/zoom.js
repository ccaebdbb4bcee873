/**
 * Where a photo lies in its viewport.
 *
 * `scale` is CSS pixels for each pixel of the photo; `x` and `y` are the point of the photo, as displayed, that lies
 * in the middle of the viewport, as shares of its width and height. A mirrored photo is displayed mirrored, so two
 * photos with the same `x` and `y` show the same place of two animals that face one another.
 */

const DEEPEST = 8;
const BEYOND_FIT = 4;

const between = (least, value, most) => Math.min(Math.max(value, least), most);

export class Zoom {
  constructor() {
    Object.assign(this, { width: 1, height: 1, viewWidth: 1, viewHeight: 1, scale: 1, x: 0.5, y: 0.5, mirrored: false });
  }

  /** The scale at which all of the photo is seen. */
  get fit() {
    return Math.min(this.viewWidth / this.width, this.viewHeight / this.height);
  }

  /** The scale at which a pixel of the photo is a pixel of the screen. */
  get one() {
    return 1 / (window.devicePixelRatio || 1);
  }

  get least() {
    return Math.min(this.fit, this.one);
  }

  get most() {
    return Math.max(DEEPEST * this.one, BEYOND_FIT * this.fit);
  }

  get fitted() {
    return this.scale <= this.fit * 1.001;
  }

  setPhoto(width, height) {
    Object.assign(this, { width: Math.max(1, width), height: Math.max(1, height) });
    this.reset();
  }

  setView(width, height) {
    const fitted = this.fitted;
    Object.assign(this, { viewWidth: Math.max(1, width), viewHeight: Math.max(1, height) });
    if (fitted) this.reset();
  }

  reset() {
    Object.assign(this, { scale: this.fit, x: 0.5, y: 0.5 });
  }

  /** Where a point of the viewport lies on the displayed photo, as shares; the nearest point for one beside it. */
  at(left, top) {
    return {
      x: between(0, this.x + (left - this.viewWidth / 2) / (this.width * this.scale), 1),
      y: between(0, this.y + (top - this.viewHeight / 2) / (this.height * this.scale), 1),
    };
  }

  /** Where a point of the displayed photo lies in the viewport. */
  place(point) {
    return {
      left: this.viewWidth / 2 + (point.x - this.x) * this.width * this.scale,
      top: this.viewHeight / 2 + (point.y - this.y) * this.height * this.scale,
    };
  }

  /** Put a point of the displayed photo at a place of the viewport. */
  hold(point, left, top) {
    this.x = point.x - (left - this.viewWidth / 2) / (this.width * this.scale);
    this.y = point.y - (top - this.viewHeight / 2) / (this.height * this.scale);
  }

  /** Change the scale; the point at a place of the viewport stays there. */
  zoomTo(scale, left = this.viewWidth / 2, top = this.viewHeight / 2) {
    const point = this.at(left, top);
    const spot = this.place(point);
    const smaller = scale < this.scale;
    this.scale = between(Math.min(this.least, this.scale), scale, Math.max(this.most, this.scale));
    if (smaller && this.fitted) Object.assign(this, { x: 0.5, y: 0.5 });
    else this.hold(point, spot.left, spot.top);
  }

  /** Move by pixels of the screen; the middle of the viewport does not leave the photo. */
  move(right, down) {
    const x = this.x - right / (this.width * this.scale);
    const y = this.y - down / (this.height * this.scale);
    this.x = between(Math.min(0, this.x), x, Math.max(1, this.x));
    this.y = between(Math.min(0, this.y), y, Math.max(1, this.y));
  }

  /** As a CSS transform of a box that has the photo's own size and its origin at the top left. */
  get transform() {
    const { left, top } = this.place({ x: this.mirrored ? 1 : 0, y: 0 });
    return `matrix(${this.mirrored ? -this.scale : this.scale}, 0, 0, ${this.scale}, ${left}, ${top})`;
  }
}
