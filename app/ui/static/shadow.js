// The page of pictures that a champion and its challenger read otherwise: each gets a label, and the next ones come.

import { ask, follow, inWords, show } from "./client.js";
import { buttons } from "./labels.js";

const UNREADABLE = "unreadable";
const GONE = ["picture_not_found", "labelled_already", "not_asked", "shadow_over"]; // somebody else was quicker
const NONE = "shadow_not_found";

const [list, status, refusal, end, counts, nothing, why] = ["cards", "status", "refusal", "end", "counts", "nothing", "why"]
  .map((id) => document.getElementById(id));
const byKeyboard = matchMedia("(hover: hover) and (pointer: fine)");
let path = "v1/models/digits/shadow";

list.addEventListener("keydown", ({ key }) => {
  const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[key];
  if (step) document.activeElement.closest(".card")?.[step]?.focus();
});
end.addEventListener("click", async () => {
  if (!confirm("End the comparison? The champion goes on, and the pictures are deleted.")) return;
  try {
    status.textContent = (await ask(path, { method: "DELETE" })).said;
    await fill();
  } catch (error) {
    refuse(inWords(error));
  }
});
begin();

async function begin() {
  try {
    path = `v1/models/${encodeURIComponent(await model())}/shadow`;
    document.getElementById("curl").textContent = `curl ${new URL(path, document.baseURI)}`;
    await fill();
  } catch (error) {
    refuse(inWords(error));
  }
}

// The one that the address names (?model=…), or the first that has a challenger now, or the first there is.
async function model() {
  const named = new URLSearchParams(location.search).get("model");
  if (named) return named;
  const { data } = await ask("v1/models");
  return (data.find(({ aliases }) => aliases.challenger) ?? data[0])?.id ?? "digits";
}

// Fetches what is to be labelled now, in place of what is shown.
async function fill() {
  list.setAttribute("aria-busy", "true");
  try {
    tell(await ask(path));
    refusal.hidden = true;
    if (byKeyboard.matches) list.firstElementChild?.focus({ preventScroll: true });
  } catch (error) {
    list.replaceChildren();
    counts.textContent = "";
    end.hidden = true;
    if (error.code !== NONE) return refuse(inWords(error));
    why.textContent = error.message;
    nothing.hidden = false;
  } finally {
    list.setAttribute("aria-busy", "false");
  }
}

function tell(report) {
  const { data, said, trouble, ended_at: over, champion, challenger, compared, differed, labelled, most_labels: most } = report;
  list.replaceChildren(...data.map((one) => card(one, report.labels)));
  status.textContent = [said, trouble].filter(Boolean).join(" ");
  why.textContent = over ? `${challenger} reads beside ${champion} no more.` : "Nothing waits. Where the two read otherwise, the pictures will appear here.";
  nothing.hidden = data.length > 0;
  counts.textContent = `${champion} answers, ${challenger} ${over ? "read" : "reads"} beside it: ${compared.toLocaleString("en")} pictures compared, ${differed.toLocaleString("en")} read otherwise, ${labelled} of at most ${most} labelled.`;
  end.hidden = Boolean(over);
}

function card({ id, labels, thumbnail }, every) {
  const element = make("li", "card");
  element.tabIndex = 0;
  element.setAttribute("aria-label", `${labels.join(" or ")}?`);
  const large = `${path}/${id}/picture`;
  const link = Object.assign(make("a", "look"), { href: large, target: "_blank", tabIndex: -1, title: "See it large" });
  const image = Object.assign(new Image(), { alt: "The picture to be labelled", loading: "lazy" });
  image.addEventListener("load", () => image.classList.toggle("tiny", Math.max(image.naturalWidth, image.naturalHeight) < 64));
  if (thumbnail) image.src = thumbnail;
  else show(image, large);
  link.append(image);
  const note = make("p", "reply refused");
  note.setAttribute("role", "alert");
  follow(link, (sentence) => { note.textContent = sentence; });
  const say = (label) => settle(element, note, id, label);
  const first = make("div", "likely");
  first.append(...buttons(labels, say, (label) => [make("strong", "", label)]));
  const rest = make("div", "others");
  rest.append(...buttons(every.filter((label) => !labels.includes(label)), say));
  const away = Object.assign(make("button", "away", "Nobody can tell"), { type: "button" });
  away.addEventListener("click", () => say(UNREADABLE));
  element.append(link, first, rest, away, note);
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (every.includes(event.key)) say(event.key);
    else if (event.key === "Delete" || event.key === "Backspace") say(UNREADABLE);
    else return;
    event.preventDefault();
  });
  return element;
}

// Waits for the server; then the card goes, the next one has the focus, and it is said how the two stand.
async function settle(element, note, id, label) {
  if (element.getAttribute("aria-busy") === "true") return;
  busy(element, true);
  note.textContent = "";
  let said = "";
  try {
    const headers = { "Content-Type": "application/json" };
    ({ said } = await ask(`${path}/${id}`, { method: "POST", headers, body: JSON.stringify({ label }) }));
  } catch (error) {
    if (!GONE.includes(error.code)) {
      busy(element, false);
      note.textContent = inWords(error);
      return element.focus();
    }
    said = "Somebody has labelled it already, or the comparison is over.";
  }
  const had = element.contains(document.activeElement) || document.activeElement === document.body;
  const next = element.nextElementSibling ?? element.previousElementSibling;
  element.remove();
  if (had) next?.focus();
  if (!list.children.length) await fill();
  else status.textContent = said;
}

function busy(element, isBusy) {
  element.setAttribute("aria-busy", String(isBusy));
  for (const button of element.querySelectorAll("button")) button.disabled = isBusy;
}

function refuse(sentence) {
  refusal.textContent = sentence;
  refusal.hidden = false;
}

function make(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
