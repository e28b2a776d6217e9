// The page of corrections that are held back: a sheet for each group, and what a person decides about it.

import { ask, inWords } from "./client.js";

const GROUPS = 10;
const FEW = 24;
const MANY = 100; // pictures of a group: no more are sent
const WHY = {
  contradicts: "Many of this sender’s labels contradict what the model reads without any doubt",
  alike: "These pictures are copies of one another, or nearly",
  mark: "The pictures of one label carry the same mark",
  rejected: "The version that learned these was worse, and was rejected",
};

const FOUND = "A training held these back";

const list = document.getElementById("groups");
const status = document.getElementById("status");
let pictures = FEW;
let asOf = null; // when what is shown was so: what changed later, nobody has seen

document.getElementById("curl").textContent = `curl ${new URL("v1/feedback/held", document.baseURI)}`;
fill();

// Fetches what is held back now, in place of what is shown.
async function fill() {
  list.setAttribute("aria-busy", "true");
  try {
    const { data, has_more: more, as_of: time } = await ask(`v1/feedback/held?limit=${GROUPS}&pictures=${pictures}`);
    asOf = time;
    list.replaceChildren(...data.flatMap((group, place) => [...whole(data, place), sheet(group)]));
    show("nothing", !data.length);
    show("rest", more);
    show("refusal", false);
  } catch (error) {
    document.getElementById("refusal").textContent = inWords(error);
    show("refusal", true);
  } finally {
    list.setAttribute("aria-busy", "false");
  }
}

// Before the first of several groups that one training held back for one reason: a decision about all of them at once.
function whole(groups, place) {
  const { job, reason, model } = groups[place];
  const same = (group) => group?.job === job && group.reason === reason;
  if (!job || same(groups[place - 1]) || !same(groups[place + 1])) return [];
  const element = make("section", "group");
  const text = make("p", "aside", "They come from several senders, who have a group each below. You can decide about all of them at once.");
  const words = { use: () => "All of them are right: use them", remove: (sure) => (sure ? "Really remove all of them?" : "Remove all of them") };
  element.append(make("h2", "", `${WHY[reason] ?? FOUND}.`), text, decisions(() => ({ job, reason, model }), words).element);
  return [element];
}

function sheet(group) {
  const element = make("section", "group");
  const heading = make("h2", "", `${WHY[group.reason] ?? FOUND}.`);
  heading.id = group.id;
  element.setAttribute("aria-labelledby", group.id);
  const common = make("p", "common", group.in_common ?? "");
  const facts = make("p", "aside", `${counted(group)}. ${sender(group)}. Held back ${when(group.held_at)}, for ${group.model}.`);
  const grid = make("ul", "pictures");
  grid.append(...group.pictures.map(picture));
  element.append(heading, common, facts, grid);
  if (group.count > group.pictures.length) element.append(rest(group));
  const marked = () => [...grid.querySelectorAll("[aria-pressed=true]")].map(({ dataset }) => dataset.id);
  const which = () => (marked().length ? { ids: marked() } : { group: group.id });
  const row = decisions(which, words(group.count, () => marked().length));
  grid.addEventListener("marked", row.again);
  element.append(row.element);
  return element;
}

// One picture with its label; what was read is said where it differs. A click marks it.
function picture({ id, label, read_as: read, thumbnail }) {
  const item = make("li");
  const button = make("button", "picture");
  button.type = "button";
  button.dataset.id = id;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    button.dispatchEvent(new Event("marked", { bubbles: true }));
  });
  const image = Object.assign(new Image(), { alt: "", src: thumbnail ?? "" });
  image.addEventListener("load", () => image.classList.toggle("tiny", image.naturalWidth < 64), { once: true });
  const said = make("span", "said");
  said.append("said to be ", make("strong", "", label));
  button.append(image, said, make("small", "", read && read !== label ? `read as ${read}` : "\u00a0"));
  item.append(button);
  return item;
}

function rest({ count, pictures: shown }) {
  const paragraph = make("p", "aside", `${shown.length} of ${count} are shown. `);
  if (shown.length >= MANY) return paragraph;
  const more = Object.assign(make("button", "more", `Show up to ${MANY}`), { type: "button" });
  more.addEventListener("click", () => {
    pictures = MANY;
    fill();
  });
  paragraph.append(more);
  return paragraph;
}

// What the buttons say: of the pictures that are marked or, where none is, of the whole group.
function words(count, marked) {
  const use = () => {
    if (!marked()) return "They are right: use them";
    return marked() === 1 ? "This one is right: use it" : `These ${marked()} are right: use them`;
  };
  const remove = (sure) => {
    if (!marked()) return sure ? `Really remove ${count === 1 ? "it" : `all ${count}`}?` : "Remove them";
    const these = marked() === 1 ? "this one" : `these ${marked()}`;
    return sure ? `Really remove ${these}?` : `Remove ${these}`;
  };
  return { use, remove };
}

// The two buttons, and `again` to have them say anew what they mean. `which` is what the server is told.
function decisions(which, { use: useWord, remove: removeWord }) {
  const element = make("div", "tools");
  const use = Object.assign(make("button", "use"), { type: "button" });
  const remove = Object.assign(make("button", "remove"), { type: "button" });
  const refusal = make("p", "reply refused");
  refusal.setAttribute("role", "alert");

  // Removing takes a second click: `sure` after the first.
  const say = (sure) => {
    use.textContent = useWord();
    remove.textContent = removeWord(sure);
    remove.classList.toggle("sure", sure);
  };
  const decide = async (what) => {
    use.disabled = remove.disabled = true;
    refusal.textContent = "";
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await ask(`v1/feedback/held/${what}`, { method: "POST", headers, body: JSON.stringify({ ...which(), as_of: asOf }) });
      await fill();
      status.textContent = done(answer);
    } catch (error) {
      refusal.textContent = inWords(error);
      use.disabled = remove.disabled = false;
    }
  };
  use.addEventListener("click", () => decide("release"));
  remove.addEventListener("click", () => {
    if (remove.classList.contains("sure")) decide("remove");
    say(!remove.classList.contains("sure"));
  });
  remove.addEventListener("blur", () => say(false));
  say(false);
  element.append(use, remove, refusal);
  return { element, again: () => say(false) };
}

function done({ released, removed }) {
  const count = released ?? removed;
  if (!count) return "Somebody else has decided about them already.";
  const some = count === 1 ? "1 correction is" : `${count} corrections are`;
  return released === undefined ? `${some} removed.` : `Thank you: ${some} learned by the next training.`;
}

function counted({ count, labels }) {
  const each = Object.entries(labels).slice(0, 5).map(([label, number]) => (number === count ? label : `${label} (${number})`));
  const more = Object.keys(labels).length > each.length ? " and others" : "";
  return `${count === 1 ? "1 picture" : `${count} pictures`}, labelled ${each.join(", ")}${more}`;
}

function sender({ giver }) {
  if (giver === null) return "From nobody that this server knows of";
  if (giver === "local") return "From this machine itself";
  if (giver.startsWith("key:")) return `From whoever has the key ${giver.slice(4)}`;
  return `All from one address, which this server knows as ${giver.replace("addr:", "").slice(0, 8)}`;
}

function when(seconds) {
  return new Date(seconds * 1000).toLocaleString([], { dateStyle: "long", timeStyle: "short" });
}

function show(id, isShown) {
  document.getElementById(id).hidden = !isShown;
}

function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
