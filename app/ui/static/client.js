// Speaks to the public API, with a key where the server asks for one. Knows nothing of the page.

import { held, wanted } from "./key.js";

const OF_KEYS = {
  key_missing: "Whoever runs this server makes one with: digitserve keys create",
  key_invalid: "That key does not count here: it is not known, was revoked or has expired. Give another.",
};
const SHOWN = ["image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif", "image/avif"]; // they run nothing

export class Refused extends Error {
  constructor(sentence, code = "", status = 0) {
    super(sentence);
    this.code = code;
    this.status = status;
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

// The JSON that a path of the API answers. Throws Refused with a sentence for the reader.
export async function ask(path, options) {
  const body = await (await answered(path, options)).json().catch(() => null);
  if (body) return body;
  throw new Refused("The server's answer can't be read. Try again.");
}

// Shows a picture of the API in an <img>: no browser sends a key for the `src` of one.
export async function show(image, path) {
  if (!held()) {
    image.src = path;
    return;
  }
  try {
    const url = URL.createObjectURL(await (await answered(path)).blob());
    for (const type of ["load", "error"]) image.addEventListener(type, () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
  } catch (error) {
    image.title = inWords(error);
    image.dispatchEvent(new Event("error"));
  }
}

// Lets a link to a picture or a file of the API be followed where a key is needed; `refuse` is told a sentence.
// With `download` it is saved, with `target` a picture is opened beside the page.
export function follow(link, refuse) {
  for (const type of ["click", "auxclick"]) {
    link.addEventListener(type, (event) => {
      if (!held() || event.button > 1) return;
      event.preventDefault();
      bring(link).catch((error) => refuse(inWords(error)));
    });
  }
}

async function bring(link) {
  const beside = link.hasAttribute("download") ? null : open("", "_blank"); // later it would count as unasked for
  try {
    const blob = await (await answered(link.href)).blob();
    const url = URL.createObjectURL(blob);
    if (beside && SHOWN.includes(blob.type)) {
      beside.location = url;
    } else {
      beside?.close();
      save(url, link);
    }
    setTimeout(() => URL.revokeObjectURL(url), 600_000);
  } catch (error) {
    beside?.close();
    throw error;
  }
}

function save(url, link) {
  const download = link.download || new URL(link.href).pathname.split("/").pop();
  Object.assign(document.createElement("a"), { href: url, download }).click();
}

// The answer where it is a good one. Where the server asks for a key the reader is asked, and what was asked is asked again.
async function answered(path, options = {}) {
  while (true) {
    const key = held();
    const response = await sent(path, options, key);
    if (response.ok) return response;
    const { detail, code } = (await response.json().catch(() => null)) ?? {};
    const said = detail ?? `The server answered ${response.status} without saying why. Try again.`;
    if (response.status !== 401) {
      const more = code === "scope_missing" ? " The button “Key” above takes another." : "";
      throw new Refused(said + more, code, response.status);
    }
    const again = held() !== key || (await wanted(OF_KEYS[code] ?? said));
    if (!again) throw new Refused("This server asks for a key. Try again to give one.", code, response.status);
  }
}

async function sent(path, options, key) {
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  try {
    return await fetch(path, { ...options, headers });
  } catch {
    throw new Refused("The server does not answer. See whether it still runs, then try again.");
  }
}
