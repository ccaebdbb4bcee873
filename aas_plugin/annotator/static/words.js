/** The words for what people say of a pair. */

export const DECISIONS = ["same", "different", "cannot_tell"];
export const WORDS = { same: "same", different: "different", cannot_tell: "cannot tell" };
export const SIGNS = { same: "=", different: "≠", cannot_tell: "?" };

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The word of an answer, with its reason where it has one. */
export const told = ({ decision, reason }) => capital(WORDS[decision]) + (reason ? ` (${reason})` : "");
