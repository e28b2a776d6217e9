// A sheet to draw on with mouse, finger or pen. Tells that a stroke ended; knows nothing of servers and answers.

const WIDTH = 0.055; // of a stroke, in sides of the sheet: what a felt pen leaves on a note
const EXPORT_SIDE = 448; // 16 times the model's 28

export class Pad extends EventTarget {
  #canvas;
  #strokes = []; // of points {x, y, width}, all in sides of the sheet, so that any size draws the same
  #bitmap = null;

  constructor(sheet) {
    super();
    this.sheet = sheet;
    this.#canvas = sheet.querySelector("canvas");
    this.#canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    new ResizeObserver(() => this.#paint()).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
  }

  clear() {
    this.#strokes = [];
    this.show(null);
  }

  // Lays a picture on the sheet in place of what was there.
  show(bitmap) {
    if (bitmap) this.#strokes = [];
    this.#bitmap = bitmap;
    this.#paint();
  }

  // What was drawn, black on white, as a PNG.
  drawing() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = EXPORT_SIDE;
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, EXPORT_SIDE, EXPORT_SIDE);
    this.#ink(context, EXPORT_SIDE, "black");
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #begin(down) {
    if (!down.isPrimary || down.button !== 0) return;
    down.preventDefault();
    this.#bitmap = null;
    const stroke = [this.#point(down)];
    this.#strokes.push(stroke);
    this.#paint();

    const move = (event) => {
      if (event.pointerId !== down.pointerId) return;
      const between = event.getCoalescedEvents?.() ?? [];
      for (const one of between.length ? between : [event]) stroke.push(this.#point(one));
      this.#paint();
    };
    const end = (event) => {
      if (event.pointerId !== down.pointerId) return;
      lifted.abort();
      this.dispatchEvent(new Event("stroke"));
    };
    const lifted = new AbortController();
    const until = { signal: lifted.signal };
    this.#canvas.setPointerCapture(down.pointerId);
    this.#canvas.addEventListener("pointermove", move, until);
    this.#canvas.addEventListener("pointerup", end, until);
    this.#canvas.addEventListener("pointercancel", end, until);
  }

  #point({ clientX, clientY, pointerType, pressure }) {
    const { left, top, width } = this.#canvas.getBoundingClientRect();
    const force = pointerType === "pen" ? 0.6 + 0.8 * pressure : 1;
    return { x: (clientX - left) / width, y: (clientY - top) / width, width: WIDTH * force };
  }

  #paint() {
    const { clientWidth } = this.#canvas;
    const side = Math.round(clientWidth * devicePixelRatio);
    if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
    const context = this.#canvas.getContext("2d");
    context.clearRect(0, 0, side, side);
    if (this.#bitmap) this.#lay(context, side, this.#bitmap);
    this.#ink(context, side, getComputedStyle(this.#canvas).color);
    this.sheet.classList.toggle("blank", !this.#bitmap && !this.#strokes.length);
  }

  #lay(context, side, bitmap) {
    const scale = side / Math.max(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    context.imageSmoothingEnabled = scale < 4; // the pixels of a 28x28 picture are worth seeing
    context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
  }

  // Smooth lines: through the middles between points, bent towards the points themselves.
  #ink(context, side, color) {
    context.strokeStyle = color;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.#strokes) {
      let from = stroke[0];
      for (const [i, point] of stroke.entries()) {
        const next = stroke[i + 1] ?? point;
        const to = { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
        context.lineWidth = point.width * side;
        context.beginPath();
        context.moveTo(from.x * side, from.y * side);
        context.quadraticCurveTo(point.x * side, point.y * side, to.x * side, to.y * side);
        context.stroke();
        from = to;
      }
    }
  }
}
