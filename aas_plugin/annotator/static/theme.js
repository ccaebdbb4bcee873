/** Light or dark: as the system says, until somebody chooses. */

import { byId } from "./dom.js";
import { keep, kept } from "./identity.js";

const KEY = "aas-theme";

export function wireTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => kept(localStorage, KEY) ?? (dark.matches ? "dark" : "light");
  const show = () => {
    document.documentElement.dataset.theme = now();
    byId("theme").setAttribute("aria-pressed", String(now() === "dark"));
  };
  byId("theme").addEventListener("click", () => {
    keep(localStorage, KEY, now() === "dark" ? "light" : "dark");
    show();
  });
  dark.addEventListener("change", show);
  show();
}
