// One uncertain picture with the answers that a person may give. Tells which one was given.

import { follow, show } from "./client.js";
import { buttons } from "./labels.js";
import { percent } from "./numbers.js";

const THUMBNAIL_SIDE = 96; // no small picture has more

export class Card extends EventTarget {
  // `waiting` is one picture of GET /v1/review. Dispatches "answer" (detail: the label) and "dismiss".
  constructor(waiting) {
    super();
    this.waiting = waiting;
    const { id, model, best, labels, thumbnail } = waiting;
    const likely = best.map(({ label }) => label);
    const others = labels.filter((label) => !likely.includes(label));
    const share = new Map(best.map(({ label, probability }) => [label, percent(probability, 0)]));

    this.element = make("li", "card");
    this.element.tabIndex = 0;
    this.element.setAttribute("aria-label", `${likely.join(" or ")}? Read by ${model}`);
    const large = `v1/review/${id}/picture`;
    const link = Object.assign(make("a", "look"), { href: large, target: "_blank", tabIndex: -1, title: "See it large" });
    link.append(look(thumbnail, large));
    follow(link, (sentence) => this.refuse(sentence));
    const choose = (label) => this.#say("answer", label);
    const first = make("div", "likely");
    first.append(...buttons(likely, choose, (label) => [make("strong", "", label), make("small", "", share.get(label))]));
    const rest = make("div", "others");
    rest.append(...buttons(others, choose));
    const away = Object.assign(make("button", "away", "Dismiss"), { type: "button" });
    away.addEventListener("click", () => this.#say("dismiss"));
    this.refusal = make("p", "reply refused");
    this.refusal.setAttribute("role", "alert");
    this.element.append(link, first, rest, away, this.refusal);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  // While the server is asked, nothing more can be said of it.
  set busy(isBusy) {
    this.element.setAttribute("aria-busy", String(isBusy));
    for (const button of this.element.querySelectorAll("button")) button.disabled = isBusy;
  }

  refuse(sentence) {
    this.busy = false;
    this.refusal.textContent = sentence;
    this.element.focus();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.waiting.labels.includes(event.key)) this.#say("answer", event.key);
    else if (event.key === "Delete" || event.key === "Backspace") this.#say("dismiss");
    else return;
    event.preventDefault();
  }

  #say(type, detail) {
    if (this.element.getAttribute("aria-busy") === "true") return;
    this.busy = true;
    this.refusal.textContent = "";
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// First the small picture, which came with the list; the large one where that is more, as soon as it is in view.
function look(thumbnail, large) {
  const image = Object.assign(new Image(), { alt: "The picture that waits", loading: "lazy" });
  image.addEventListener("load", () => {
    const side = Math.max(image.naturalWidth, image.naturalHeight);
    image.classList.toggle("tiny", side < 64); // its pixels are worth seeing
    if (side >= THUMBNAIL_SIDE) show(image, large);
  }, { once: true });
  if (thumbnail) image.src = thumbnail;
  else show(image, large);
  return image;
}

function make(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
