// The ways in: camera, picture (chosen, dropped, pasted), text. Each ends in check(text).

import { hasCamera, startCamera } from "./camera.js";
import { readPicture } from "./picture.js";
import { readText } from "./text.js";
import { say } from "./words.js";

const at = (id) => document.getElementById(id);
const note = (text) => { at("said").textContent = text; };

let stop = null; // ends the camera that runs

/** Wires the ways in. check takes the text of a code. */
export function takeInput(check) {
  at("camera-start").hidden = !hasCamera();
  at("camera-start").addEventListener("click", () => openCamera(check));
  at("camera-stop").addEventListener("click", closeCamera);
  document.addEventListener("visibilitychange", () => document.hidden && closeCamera());
  at("picture-choose").addEventListener("click", () => at("picture").click());
  at("picture").addEventListener("change", () => takePicture(at("picture").files[0], check));
  at("text-form").addEventListener("submit", (event) => {
    event.preventDefault();
    takeText(check);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    takePicture(event.dataTransfer.files[0], check);
  });
  document.addEventListener("paste", (event) => event.clipboardData.files.length > 0 && takePicture(event.clipboardData.files[0], check));
}

/** Puts the ways in back to their start. */
export function clearInput() {
  closeCamera();
  note("");
  at("text").value = "";
  at("picture").value = "";
}

/** Line breaks that copying adds are taken off the ends here; the verifier itself trims nothing. */
function takeText(check) {
  const text = at("text").value.trim();
  if (text) check(text);
  else note(say("no_text"));
}

async function takePicture(file, check) {
  if (!file) return;
  closeCamera();
  note(say("reading"));
  let texts;
  try {
    texts = await readPicture(file);
  } catch (error) {
    note(say(error.name === "EncodingError" || !file.type.startsWith("image/") ? "no_picture" : "no_reader"));
    return;
  }
  if (!choose(texts, check)) note(say(texts.length === 0 ? "no_code" : "many_codes"));
}

/** Checks the one health code among the texts, or else the one text there is. Returns whether there was one. */
function choose(texts, check) {
  const ours = [...new Set(texts)].filter(isCode);
  const one = ours.length > 0 ? ours : texts;
  if (one.length !== 1) return false;
  note("");
  check(one[0]);
  return true;
}

function isCode(text) {
  try {
    return Boolean(readText(text));
  } catch {
    return false;
  }
}

async function openCamera(check) {
  note(say("searching"));
  at("camera").hidden = false;
  at("camera-start").hidden = true;
  try {
    stop = await startCamera(at("view"), (texts) => seen(texts, check), () => refuseCamera("no_reader"));
    at("camera-stop").focus();
  } catch (error) {
    refuseCamera({ NotAllowedError: "camera_denied", NotFoundError: "camera_missing" }[error.name] ?? "camera_busy");
  }
}

/** A foreign code in view is said and passed over: it may hang beside ours. */
function seen(texts, check) {
  const ours = [...new Set(texts)].filter(isCode);
  if (ours.length !== 1) {
    note(say(ours.length === 0 ? "foreign" : "many_codes"));
    return false;
  }
  closeCamera();
  note("");
  check(ours[0]);
  return true;
}

function refuseCamera(word) {
  closeCamera();
  note(say(word));
}

function closeCamera() {
  stop?.();
  stop = null;
  at("camera").hidden = true;
  at("camera-start").hidden = !hasCamera();
}
