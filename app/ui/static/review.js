// Wires the page of uncertain pictures: they are fetched, answered or dismissed, and the next ones come.

import { Card } from "./card.js";
import { answer, dismiss, inWords, queue, summary } from "./client.js";
import { waiting } from "./numbers.js";

const AT_ONCE = 20;
const GONE = "picture_not_found"; // somebody else was quicker

const list = document.getElementById("cards");
const status = document.getElementById("status");
const refusal = document.getElementById("refusal");
const byKeyboard = matchMedia("(hover: hover) and (pointer: fine)");

document.getElementById("curl").textContent = `curl ${new URL("v1/review", document.baseURI)}`;
list.addEventListener("keydown", ({ key }) => {
  const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[key];
  if (step) document.activeElement.closest(".card")?.[step]?.focus();
});
fill();

// Fetches the pictures that are worth a look now, in place of what is shown.
async function fill() {
  list.setAttribute("aria-busy", "true");
  try {
    const { data, keeping } = await queue(AT_ONCE);
    list.replaceChildren(...data.map(shown));
    show("nothing", keeping && !data.length);
    show("off", !keeping);
    show("refusal", false);
    if (byKeyboard.matches) list.firstElementChild?.focus({ preventScroll: true });
  } catch (error) {
    refusal.textContent = inWords(error);
    show("refusal", true);
  } finally {
    list.setAttribute("aria-busy", "false");
  }
}

function shown(picture) {
  const card = new Card(picture);
  card.addEventListener("answer", ({ detail: label }) => {
    settle(card, answer(picture.id, label), async () => {
      const counts = await summary(picture.model);
      return `Thank you: it is kept as ${label}.${counts ? ` ${waiting(counts)}.` : ""}`;
    });
  });
  card.addEventListener("dismiss", () => settle(card, dismiss(picture.id), async () => "Dismissed."));
  return card.element;
}

// Waits for the server; then the card goes, the next one has the focus, and it is said what happened.
async function settle(card, asked, said) {
  try {
    await asked;
  } catch (error) {
    if (error.code !== GONE) return card.refuse(inWords(error));
    said = async () => "Somebody has answered or dismissed it already.";
  }
  const had = card.element.contains(document.activeElement) || document.activeElement === document.body;
  const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
  card.element.remove();
  if (had) next?.focus();
  if (!list.children.length) await fill();
  status.textContent = await said();
}

function show(id, isShown) {
  document.getElementById(id).hidden = !isShown;
}
