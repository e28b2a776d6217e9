// A button for each label, and which one was chosen. Asks nobody anything.

// `choose` is called with the label. `contents` may say more on a button than its label.
export function buttons(labels, choose, contents = (label) => [label]) {
  return labels.map((label) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "key" });
    button.append(...contents(label));
    button.dataset.label = label;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => choose(label));
    return button;
  });
}

export function press(all, label) {
  for (const button of all) button.setAttribute("aria-pressed", String(button.dataset.label === label));
}
