// Takes a picture file from wherever a person brings it: the two buttons, a drop, a paste. Never looks inside.

export function onPicture(take) {
  for (const id of ["choose", "photo"]) {
    document.getElementById(id).addEventListener("change", ({ target }) => {
      if (target.files.length) take(target.files[0]);
      target.value = ""; // choosing the same file again is a change too
    });
  }
  addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) take(clipboardData.files[0]);
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", event.dataTransfer.types.includes("Files"));
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) document.body.classList.remove("dropping"); // left the window
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}
