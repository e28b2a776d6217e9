// Speaks to the public API. Knows nothing of the page.

class Refused extends Error {
  constructor(sentence, code = "") {
    super(sentence);
    this.code = code;
  }
}

// The answer to one picture (a Blob).
export function read(picture, signal) {
  const headers = { "Content-Type": "application/octet-stream" };
  return ask("v1/predict?prepared=true", { method: "POST", headers, body: picture, signal });
}

// Says what a picture really shows: `model` is the version that read it as `readAs`.
export function correct(picture, { label, model, readAs }) {
  const body = new FormData();
  body.append("file", picture, "picture");
  for (const [name, text] of Object.entries({ label, model, read_as: readAs })) body.append(name, text);
  return ask("v1/feedback", { method: "POST", body });
}

// How many corrections of a version's model wait; null where that can't be said now.
export function summary(ref) {
  const model = new URLSearchParams({ model: ref.split("@")[0] });
  return ask(`v1/feedback/summary?${model}`).catch(() => null);
}

// The uncertain pictures that are worth a look first.
export function queue(limit) {
  return ask(`v1/review?limit=${limit}`);
}

export function answer(id, label) {
  const headers = { "Content-Type": "application/json" };
  return ask(`v1/review/${id}`, { method: "POST", headers, body: JSON.stringify({ label }) });
}

export function dismiss(id) {
  return ask(`v1/review/${id}`, { method: "DELETE" });
}

// A sentence for the reader, of anything that was thrown. What is no refusal goes to the browser's console too.
export function inWords(error) {
  if (error instanceof Refused) return error.message;
  reportError(error);
  return "This page made a mistake. Load it again.";
}

// Throws Refused with a sentence for the reader.
async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("The server does not answer. See whether it still runs, then try again.");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw new Refused(body?.detail ?? `The server answered ${response.status} without saying why. Try again.`, body?.code);
}
