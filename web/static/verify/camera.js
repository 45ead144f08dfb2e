// The camera: frames go to the QR reader one after another until it is stopped.

import { pixels } from "./picture.js";
import { readImage } from "./qr.js";

const PAUSE = 80; // milliseconds between frames, so that an old phone stays usable

/** Whether there is a camera interface at all. It needs a secure page. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/**
 * Shows the camera in a video element and calls found(texts) for every frame with QR codes, until the signal aborts. Throws as getUserMedia
 * and play do; what the reader throws later goes to failed.
 */
export async function startCamera(video, { signal, found, failed }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 } } });
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  if (signal.aborted) { // while it started
    stop();
    return;
  }
  signal.addEventListener("abort", stop);
  video.srcObject = stream;
  await video.play();
  watch(video, signal, found).catch(failed);
}

async function watch(video, signal, found) {
  while (!signal.aborted) {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth > 0) {
      const texts = await readImage(pixels(video, video.videoWidth, video.videoHeight));
      if (!signal.aborted && texts.length > 0) found(texts);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
