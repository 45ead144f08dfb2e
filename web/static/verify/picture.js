// A picture that was chosen, dropped or pasted.

import { readImage } from "./qr.js";

const MAX_BYTES = 40 << 20;
const MAX_SIDE = 2000; // pixels: more costs time and shows nothing new
const MIN_SIDE = 480; // a drawing (SVG) has no pixels of its own

/** Returns the texts of the QR codes in a file. Throws when it is no picture. */
export async function readPicture(file) {
  if (file.size > MAX_BYTES) throw new Error("the picture is too large");
  return readImage(await pixelsOf(file));
}

async function pixelsOf(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    return pixels(image, image.naturalWidth, image.naturalHeight);
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** Draws a picture or a frame on white, within our limits of size. */
export function pixels(source, width, height) {
  const longer = Math.max(width, height, 1);
  const scale = Math.min(Math.max(longer, MIN_SIDE), MAX_SIDE) / longer;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
