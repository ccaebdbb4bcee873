/** What the page tells on demand: why a pair is asked, and how well people agree. */

import { get } from "./api.js";
import { fill, open } from "./dialogs.js";
import { byId, el } from "./dom.js";
import { learn } from "./gallery.js";
import { identity } from "./identity.js";
import { strip } from "./rows.js";

/** Why a pair is asked, its numbers, and other photos of both groups. */
export function showWhy(pair) {
  open("why-dialog");
  const { person } = identity;
  return fill(byId("why-body"), async () => {
    const why = await get("/api/why", { pair, person });
    learn(why.photos);
    const group = (ids, side) => [
      el("h3", {}, `Others like the ${side} photo`),
      ids.length ? strip(ids) : el("p", { class: "quiet" }, "None are known."),
    ];
    return [
      el("p", {}, why.sentence),
      el("dl", {}, ...why.numbers.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      ...group(why.groups[0], "left"),
      ...group(why.groups[1], "right"),
      ...(why.matches ? matches(pair, person) : []),
    ];
  });
}

/** The picture of matching points; it takes seconds, so it is made when somebody asks. */
function matches(pair, person) {
  const place = el("div", { class: "matches" });
  const show = el("button", { type: "button" }, "Show matching points");
  show.addEventListener("click", () => {
    const image = el("img", { alt: "Both photos, with lines between points that look alike" });
    const wait = el("p", { class: "quiet" }, "Looking for points that match…");
    image.addEventListener("load", () => wait.remove());
    image.addEventListener("error", () => {
      wait.textContent = "No picture of matching points can be made for this pair.";
      image.remove();
    });
    image.src = `/matches/${pair}.jpg?${new URLSearchParams({ person })}`;
    place.replaceChildren(wait, image);
  });
  place.append(show);
  return [el("h3", {}, "Matching points"), place];
}

const share = (value) => (value === null ? "not known" : `${(100 * value).toFixed(1)} %`);

/** How much each person answered, and how far people agree. */
export function showPeople() {
  open("people-dialog");
  return fill(byId("people-body"), async () => {
    const { people, checked_pairs, agreement, kappa } = await get("/api/people");
    if (!people.length) return el("p", {}, "Nobody has answered yet.");
    const chance = kappa === null ? "not known" : kappa.toFixed(2);
    const head = ["Person", "Answers", "Cannot tell", "Looked at twice", "Estimated errors"];
    const cells = (one) => [
      one.person, one.answers, one.cannot_tell, one.checked,
      one.interval ? `${share(one.error_rate)} (${share(one.interval[0])} to ${share(one.interval[1])})` : share(one.error_rate),
    ];
    return [
      el("table", {},
        el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, ...people.map((one) => el("tr", {}, ...cells(one).map((text) => el("td", {}, String(text))))))),
      el("p", {}, checked_pairs
        ? `${checked_pairs} pairs were looked at twice. Agreement ${share(agreement)}, Cohen's kappa ${chance}.`
        : "No pair was looked at twice yet, so errors cannot be estimated."),
    ];
  });
}
