// Lets a person say what a picture really shows, as often as they change their mind: the last word counts.

import { correct, inWords, summary } from "./client.js";
import { buttons, press } from "./labels.js";
import { waiting } from "./numbers.js";

export class Correction {
  #read = null; // {picture, answer} that may be corrected
  #keys = [];
  #kept = null; // the label that the server has

  // What is said to the person is shown in `part`, and spoken in the page's live region.
  constructor(part, spoken) {
    this.spoken = spoken;
    this.opener = part.querySelector(".wrong");
    this.choices = part.querySelector("fieldset");
    this.reply = part.querySelector(".reply");
    this.opener.addEventListener("click", () => {
      this.#open(true);
      this.#keys[0].focus();
    });
  }

  // What a version said of a picture. Where it was uncertain, it asks by itself.
  offer(picture, answer) {
    this.#read = { picture, answer };
    this.#keys = buttons(Object.keys(answer.probabilities), (label) => this.#choose(label));
    this.choices.querySelector(".keys").replaceChildren(...this.#keys);
    this.#kept = null;
    this.choices.disabled = false;
    this.#say([]);
    this.#open(answer.uncertain);
  }

  #open(isOpen) {
    this.opener.hidden = isOpen;
    this.choices.hidden = !isOpen;
  }

  async #choose(label) {
    const asked = this.#read;
    press(this.#keys, label);
    this.choices.disabled = true;
    const { sentences, isKept } = await sent(asked, label);
    if (this.#read !== asked) return; // another picture is there by now
    this.choices.disabled = false;
    if (isKept) this.#kept = label;
    press(this.#keys, this.#kept);
    this.#keys.find((key) => key.dataset.label === label).focus({ preventScroll: true });
    this.#say(sentences, !isKept);
    this.spoken.textContent = sentences.join(" ");
  }

  // The first sentence stands out.
  #say([first = "", ...more], isRefusal = false) {
    const strong = Object.assign(document.createElement("strong"), { textContent: first });
    this.reply.replaceChildren(...(first ? [strong, ...more] : []));
    this.reply.classList.toggle("refused", isRefusal);
  }
}

// What the server says to a correction, in sentences for the reader.
async function sent({ picture, answer }, label) {
  try {
    await correct(picture, { label, model: answer.model, readAs: answer.label });
  } catch (error) {
    return { sentences: [inWords(error)], isKept: false };
  }
  const counts = await summary(answer.model);
  return { sentences: [`Thank you: it is kept as ${label}.`, ...(counts ? [`${waiting(counts)}.`] : [])], isKept: true };
}
