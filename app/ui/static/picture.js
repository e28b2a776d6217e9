// Makes a file what the API takes: a phone's 50-megapixel HEIC becomes a JPEG of sensible size, all else stays as it is.

const KNOWN = ["image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif", "image/tiff"];
const MOST_BYTES = 8 * 2 ** 20; // below the server's default cap of 10 MiB
const LONGEST_SIDE = 3000; // below its 16 megapixels, whatever the shape

// The Blob to send and the bitmap to show. What the browser cannot decode is sent untouched: the server says what is wrong.
export async function prepared(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  const fits = bitmap && Math.max(bitmap.width, bitmap.height) <= LONGEST_SIDE && file.size <= MOST_BYTES;
  const untouched = !bitmap || (fits && KNOWN.includes(file.type));
  return { picture: untouched ? file : await smaller(bitmap), bitmap };
}

function smaller(bitmap) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}
