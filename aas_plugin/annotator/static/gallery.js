/** The photos that the page knows, and their pictures, loaded and decoded before they are needed. */

import { painted } from "./dom.js";

const MOST = 48;
const AT_ONCE = 2;

const photos = new Map();
const pictures = new Map();
let waiting = [];
let loading = 0;
let wanted = 0;

export function learn(more) {
  for (const [id, photo] of Object.entries(more ?? {})) photos.set(Number(id), photo);
}

export const photo = (id) =>
  photos.get(id) ?? { id, name: `photo ${id}`, v: "", problem: null, width: 1, height: 1, frame: null, facts: [] };

export function address(id, size) {
  const { v } = photo(id);
  return `/photo/${id}/${size}.jpg${v ? `?v=${encodeURIComponent(v)}` : ""}`;
}

/** The size of picture that is sharp where the whole photo is seen: a smaller one is there sooner. */
export function fitted() {
  const lens = document.querySelector(".lens");
  const longest = Math.max(lens.clientWidth, lens.clientHeight) * (window.devicePixelRatio || 1);
  return longest <= 800 ? "800" : "1600";
}

/** The server's sentence about a picture that cannot be shown. */
async function sentence(url) {
  try {
    const response = await fetch(url);
    const { error } = await response.json();
    if (error) return error;
  } catch {
    // no sentence came
  }
  return "This photo cannot be shown; the page's server did not send it";
}

/** Load and decode a picture: {image, done, problem}, and `ready`, a promise of itself when it is either. */
function load(url) {
  const image = new Image();
  image.decoding = "sync";
  image.draggable = false;
  const picture = { url, image, done: false, problem: null };
  image.src = url;
  picture.ready = image.decode().then(
    () => Object.assign(picture, { done: true }),
    async () => {
      picture.problem = await sentence(url);
      pictures.delete(url);
      return picture;
    },
  );
  return picture;
}

/** A picture of a photo; `size` is as in its address. */
export function picture(id, size) {
  const url = address(id, size);
  const found = pictures.get(url) ?? load(url);
  pictures.delete(url);
  pictures.set(url, found);
  while (pictures.size > MOST) pictures.delete(pictures.keys().next().value);
  return found;
}

/** A picture that is used once and not kept: those of full size are large. */
export const largePicture = (id, size) => load(address(id, size));

/** A picture that somebody waits for now: nothing else is loaded meanwhile. */
export function pictureNow(id, size) {
  const found = picture(id, size);
  if (!found.done) {
    wanted += 1;
    // Decoding the next ones would keep this one from the screen.
    found.ready.then(painted).finally(() => {
      wanted -= 1;
      next();
    });
  }
  return found;
}

function next() {
  while (!wanted && loading < AT_ONCE && waiting.length) {
    const id = waiting.shift();
    loading += 1;
    picture(id, fitted()).ready.finally(() => {
      loading -= 1;
      next();
    });
  }
}

/** Load what is needed soon, in this order; what was asked for before and is not begun is not loaded. */
export function prefetch(ids) {
  waiting = ids.filter((id) => !photo(id).problem && !pictures.has(address(id, fitted())));
  next();
}
