// The camera: frames go to the QR reader one after another until somebody is satisfied or stops it.

import { pixels } from "./picture.js";
import { readImage } from "./qr.js";

const PAUSE = 80; // milliseconds between frames, so that an old phone stays usable

/** Whether there is a camera interface at all. It needs a secure page. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/**
 * Shows the camera in a video element and calls found(texts) for every frame with QR codes, until found returns true or stop() is called.
 * Returns stop. Throws as getUserMedia does, and what the reader throws goes to failed.
 */
export async function startCamera(video, found, failed) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 } } });
  let running = true;
  const stop = () => {
    running = false;
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  video.srcObject = stream;
  await video.play();
  watch(video, () => running, found).then(stop, (error) => {
    stop();
    failed(error);
  });
  return stop;
}

async function watch(video, running, found) {
  while (running()) {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth > 0) {
      const texts = await readImage(pixels(video, video.videoWidth, video.videoHeight));
      if (running() && texts.length > 0 && found(texts)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
