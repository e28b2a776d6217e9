// Wires the first page: what is drawn or brought goes to the server, what it says is shown.

import { inWords, read } from "./client.js";
import { Correction } from "./correct.js";
import { onPicture } from "./intake.js";
import { Pad } from "./pad.js";
import { prepared } from "./picture.js";
import { Result } from "./result.js";

const pad = new Pad(document.getElementById("pad"));
const spoken = document.getElementById("spoken");
const result = new Result(document.getElementById("result"), spoken);
const correction = new Correction(document.getElementById("correct"), spoken);
let asking = new AbortController();

pad.addEventListener("stroke", () => ask(() => pad.drawing()));

onPicture((file) =>
  ask(async () => {
    const { picture, bitmap } = await prepared(file);
    pad.show(bitmap);
    return picture;
  }),
);

document.getElementById("clear").addEventListener("click", () => {
  asking.abort();
  pad.clear();
  result.clear();
});

document.getElementById("curl").textContent = `curl -F file=@digit.png ${new URL("v1/predict", document.baseURI)}`;

// Only the latest question is answered: a new one takes back the one before.
async function ask(makePicture) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  result.wait();
  try {
    const picture = await makePicture();
    if (signal.aborted) return;
    const answer = await read(picture, signal);
    if (signal.aborted) return;
    correction.offer(picture, answer);
    result.show(answer);
  } catch (error) {
    if (!signal.aborted) result.refuse(inWords(error));
  }
}
