/** Talking with the server. */

/** What went wrong, as a sentence; `lasting` where it will not get better by trying again. */
export class ApiError extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
    this.silent = status === 0;
    this.lasting = status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);
  }
}

const LONGEST = 20000;

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(LONGEST), cache: "no-store" });
  } catch {
    throw new ApiError("The page's server does not answer", 0);
  }
  let body = null;
  try {
    body = await response.json();
  } catch {
    if (response.ok) throw new ApiError("The page's server was cut off while it answered", 0);
  }
  if (!response.ok) throw new ApiError(body?.error ?? `The server said ${response.status}`, response.status);
  return body;
}

export const get = (path, parameters = {}) => {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value != null)).toString();
  return ask(query ? `${path}?${query}` : path);
};

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
