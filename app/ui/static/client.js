// Speaks to the public API. Knows nothing of the page.

export class Refused extends Error {}

// The answer to one picture (a Blob). Throws Refused with a sentence for the reader.
export async function read(picture, signal) {
  let response;
  try {
    response = await fetch("v1/predict?prepared=true", {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: picture,
      signal,
    });
  } catch {
    throw new Refused("The server does not answer. See whether it still runs, then try again.");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw new Refused(body?.detail ?? `The server answered ${response.status} without saying why. Try again.`);
}
