/** Who answers, and in which tab of the browser. */

const PERSON = "aas-person";
const TAB = "aas-tab";

/** 16 random hex digits. */
export function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A browser may forbid to keep things; the page then works as long as it is open. */
export function keep(store, key, value) {
  try {
    if (value === null) store.removeItem(key);
    else store.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

export function kept(store, key) {
  try {
    return store.getItem(key);
  } catch {
    return null;
  }
}

export const identity = {
  person: kept(localStorage, PERSON)?.trim() || null,
  tab: kept(sessionStorage, TAB),

  rename(name) {
    this.person = name;
    keep(localStorage, PERSON, name);
  },

  /** Take a tab's id of one's own: a duplicated tab comes with that of the first, who is asked and says so. */
  async settle() {
    const channel = "BroadcastChannel" in window ? new BroadcastChannel("aas-tabs") : null;
    if (this.tab && channel) {
      const taken = await new Promise((resolve) => {
        channel.onmessage = ({ data }) => data.taken === this.tab && resolve(true);
        channel.postMessage({ wants: this.tab });
        setTimeout(resolve, 40, false);
      });
      if (taken) this.tab = null;
    }
    this.tab ??= randomId();
    keep(sessionStorage, TAB, this.tab);
    if (channel)
      channel.onmessage = ({ data }) => data.wants === this.tab && channel.postMessage({ taken: this.tab });
  },
};
