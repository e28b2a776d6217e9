// Shows one answer of the API in words, bars and pixels. Asks nobody anything.

import { milliseconds, percent } from "./numbers.js";

const WARNINGS = {
  low_contrast: "The writing is faint. More light or a darker pen would help",
  several_marks: "There is more than one mark. Leave only the digit",
  not_a_digit: "This may be no digit at all",
};

export class Result {
  #rows = new Map(); // label -> its bar

  // What is spoken is one short sentence, in a live region that is always there: one that appears is often not read out.
  constructor(section, spoken) {
    this.section = section;
    this.spoken = spoken;
  }

  clear() {
    this.#turn("empty");
  }

  wait() {
    this.section.setAttribute("aria-busy", "true");
  }

  // One sentence in place of an answer.
  refuse(sentence) {
    this.#part("refusal").textContent = sentence;
    this.#turn("refused", sentence);
  }

  // `answer` is what POST /v1/predict?prepared=true says.
  show({ label, confidence, uncertain, probabilities, warnings, prepared, model, timing_ms }) {
    const blank = warnings.includes("blank_image"); // then no label means anything
    const verdict = blank ? "Nothing is written here" : uncertain ? "Not sure" : `${percent(confidence)} sure`;
    const remarks = warnings.filter((warning) => warning !== "blank_image").map(inWords);
    if (uncertain && !blank) remarks.unshift(`${percent(confidence)} for ${label}`);
    this.section.classList.toggle("unsure", uncertain && !blank);
    this.section.classList.toggle("long", label.length > 2);
    this.#part("label").textContent = blank ? "" : label;
    this.#part("verdict").textContent = verdict;
    this.#part("remarks").textContent = remarks.join(". ");
    this.#part("seen").src = `data:image/png;base64,${prepared}`;
    this.#part("made").textContent = `Read by ${model} in ${milliseconds(timing_ms)}.`;
    this.#bars(probabilities, label);
    const asks = uncertain && !blank ? ["What is it?"] : [];
    this.#turn(blank ? "blank" : "answered", [...(blank ? [] : [label]), verdict, ...remarks, ...asks].join(". "));
  }

  #bars(probabilities, best) {
    const labels = Object.keys(probabilities);
    if (labels.join("\n") !== [...this.#rows.keys()].join("\n")) {
      this.#rows = new Map(labels.map((label) => [label, row(label)]));
      this.#part("bars").replaceChildren(...this.#rows.values());
    }
    for (const [label, item] of this.#rows) {
      item.classList.toggle("best", label === best);
      item.style.setProperty("--share", probabilities[label]);
      item.lastElementChild.textContent = percent(probabilities[label]);
    }
  }

  #turn(state, sentence = "") {
    this.section.setAttribute("aria-busy", "false");
    for (const part of this.section.children) part.hidden = !part.dataset.when.split(" ").includes(state);
    this.spoken.textContent = sentence;
  }

  #part(name) {
    return this.section.querySelector(`.${name}`);
  }
}

function row(label) {
  const item = document.createElement("li");
  for (const name of ["name", "bar", "share"]) {
    item.append(Object.assign(document.createElement("span"), { className: name }));
  }
  item.firstElementChild.textContent = label;
  return item;
}

function inWords(warning) {
  return WARNINGS[warning] ?? warning.replaceAll("_", " ");
}
