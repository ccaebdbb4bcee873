/** What fingers, mouse and wheel do to a viewport. */

const PER_PIXEL = 0.0016;
const PER_PINCHED_PIXEL = 0.01;
const LINE = 30;
const CLOSER = 3;
const SWIPE = 90;
const STRAIGHT = 1.6;

/**
 * @param {Viewport} viewport
 * @param {{zoom: Function, move: Function, hold: Function, toggle: Function, swipe: Function, swiping: Function}} on
 *   `zoom(factor, left, top)`, `move(right, down)`, `toggle(left, top)`, `pinch(factor, from, to)`, and `swiping` and
 *   `swipe(decision)` of one finger on a photo that is not zoomed in
 */
export function listen(viewport, on) {
  const { lens } = viewport;
  const fingers = new Map();
  let swipe = null;

  const spot = (event) => {
    const box = lens.getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  };
  const pair = () => {
    const [first, second] = [...fingers.values()];
    return {
      middle: { left: (first.left + second.left) / 2, top: (first.top + second.top) / 2 },
      apart: Math.max(1, Math.hypot(first.left - second.left, first.top - second.top)),
    };
  };
  const stopSwipe = () => {
    if (swipe) on.swiping(null);
    swipe = null;
  };

  lens.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    lens.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, spot(event));
    stopSwipe();
    if (event.pointerType === "touch" && fingers.size === 1 && viewport.zoom.fitted) swipe = { from: spot(event) };
  });

  lens.addEventListener("pointermove", (event) => {
    viewport.pointer = spot(event);
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = spot(event);
    if (fingers.size === 2) {
      const from = pair();
      fingers.set(event.pointerId, now);
      const to = pair();
      on.pinch(to.apart / from.apart, from.middle, to.middle);
    } else if (fingers.size === 1) {
      fingers.set(event.pointerId, now);
      if (!swipe) return on.move(now.left - before.left, now.top - before.top);
      swipe.decision = swiped(now.left - swipe.from.left, now.top - swipe.from.top);
      on.swiping(swipe.decision);
    }
  });

  const lift = (event) => {
    fingers.delete(event.pointerId);
    const decision = event.type === "pointerup" ? swipe?.decision : null;
    stopSwipe();
    if (decision) on.swipe(decision);
  };
  lens.addEventListener("pointerup", lift);
  lens.addEventListener("pointercancel", lift);
  lens.addEventListener("pointerleave", () => (viewport.pointer = null));

  // Without this the browser takes a quick move for a fling, and swallows the next tap.
  lens.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });

  lens.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : LINE);
      const { left, top } = spot(event);
      on.zoom(Math.exp(-pixels * (event.ctrlKey ? PER_PINCHED_PIXEL : PER_PIXEL)), left, top);
    },
    { passive: false },
  );

  lens.addEventListener("dblclick", (event) => {
    const { left, top } = spot(event);
    if (viewport.zoom.fitted) on.zoom(CLOSER, left, top);
    else on.fit();
  });
}

/** The decision that a finger's way stands for: right same, left different, down cannot tell. */
function swiped(right, down) {
  if (Math.abs(right) >= SWIPE && Math.abs(right) > STRAIGHT * Math.abs(down)) return right > 0 ? "same" : "different";
  if (down >= SWIPE && down > STRAIGHT * Math.abs(right)) return "cannot_tell";
  return null;
}
