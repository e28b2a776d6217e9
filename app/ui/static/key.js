// The key that this page shows the server: asks the reader for one, keeps it, forgets it. Asks no server.
//
// It is kept for this tab alone and goes with it (sessionStorage). In localStorage it would outlive the visit, and whoever
// sits down at this computer next would have it.

const PLACE = `digitserve.key ${new URL(".", document.baseURI).pathname}`; // below another path is another server
const LOOKS = /ds_[\w-]+/; // also inside of "Authorization: Bearer ds_..."

let unkept = ""; // where the browser keeps nothing
let asking = null; // the question that is open: everybody waits for the same answer

// The key, "" where there is none.
export function held() {
  try {
    return sessionStorage.getItem(PLACE) ?? unkept;
  } catch {
    return unkept;
  }
}

// Asks the reader for a key, with the server's sentence. Gives whether there is one now.
export function wanted(sentence) {
  asking ??= question("This server asks for a key", sentence).finally(() => (asking = null));
  return asking;
}

function keep(key) {
  unkept = key;
  try {
    sessionStorage.setItem(PLACE, key);
  } catch {
    // then it is gone with this page
  }
  offer();
}

function forget() {
  unkept = "";
  try {
    sessionStorage.removeItem(PLACE);
  } catch {
    // nothing was kept
  }
  location.reload(); // what the key has brought goes too
}

// A button in the page's header, as long as there is a key: to use another, or to forget it.
function offer() {
  const bar = document.querySelector("header nav");
  if (!held() || !bar || bar.querySelector(".own-key")) return;
  const button = make("button", { type: "button", className: "own-key", textContent: "Key" });
  button.addEventListener("click", async () => {
    if (await question("Your key", "This tab shows the server a key. What it may do was said when it was made.")) {
      location.reload(); // what was refused may be allowed now
    }
  });
  bar.append(button);
}

// A dialog, until it is answered. Resolves to whether a key was given.
function question(title, sentence) {
  const field = make("input", { id: "key", type: "password", autocomplete: "off", spellcheck: false, required: true });
  const dialog = make("dialog", { className: "question" });
  dialog.setAttribute("aria-labelledby", "key-title");
  dialog.setAttribute("aria-describedby", "key-why");
  const form = make("form", { method: "dialog" });
  const buttons = make("div", { className: "tools" });
  buttons.append(make("button", { type: "submit", className: "use", textContent: "Use this key" }));
  if (held()) buttons.append(button("Forget key", forget));
  buttons.append(button("Cancel", () => dialog.close()));
  form.append(
    make("h2", { id: "key-title", textContent: title }),
    make("p", { id: "key-why", textContent: sentence }),
    make("label", { htmlFor: "key", textContent: "Key" }),
    field,
    make("p", { className: "aside", textContent: "It is kept for this tab, until you close the tab or forget the key." }),
    buttons,
  );
  dialog.append(form);
  const before = document.activeElement;
  return new Promise((resolve) => {
    let given = false;
    field.addEventListener("input", () => field.setCustomValidity(""));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [key] = LOOKS.exec(field.value) ?? [];
      if (!key) {
        field.setCustomValidity("A key begins with ds_. Whoever runs this server makes one.");
        field.reportValidity();
        return;
      }
      keep(key);
      given = true;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.({ preventScroll: true });
      resolve(given);
    });
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}

function button(text, act) {
  const made = make("button", { type: "button", textContent: text });
  made.addEventListener("click", act);
  return made;
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

offer();
