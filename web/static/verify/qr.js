// QR codes in a picture: the browser's own detector where there is one, else the worker.

let detector;
let worker;
const waiting = new Map();
let lastID = 0;

/** Returns the texts of the QR codes in an ImageData. Throws when no reader works. */
export async function readImage(image) {
  const native = await nativeTexts(image);
  return native.length > 0 ? native : workerTexts(image);
}

/** The browser's own detector is fast and may be missing, broken or blind: nothing found is nothing said. */
async function nativeTexts(image) {
  try {
    detector ??= await nativeDetector();
    return detector ? (await detector.detect(image)).map((code) => code.rawValue) : [];
  } catch {
    detector = null;
    return [];
  }
}

async function nativeDetector() {
  const formats = await globalThis.BarcodeDetector?.getSupportedFormats();
  return formats?.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
}

function workerTexts(image) {
  worker ??= startWorker();
  const id = ++lastID;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, image }, [image.data.buffer]);
  });
}

function startWorker() {
  const started = new Worker(new URL("decode-worker.js", import.meta.url));
  started.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) reject(new Error(data.error));
    else resolve(data.texts);
  };
  started.onerror = () => {
    for (const { reject } of waiting.values()) reject(new Error("the QR reader did not start"));
    waiting.clear();
    worker = undefined;
  };
  return started;
}
