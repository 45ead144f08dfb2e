// The ways in: camera, picture (chosen, dropped, pasted), text. Each ends in check(text).

import { hasCamera, startCamera } from "./camera.js";
import { readPicture } from "./picture.js";
import { readText } from "./text.js";
import { say } from "./words.js";

const at = (id) => document.getElementById(id);
const note = (text) => { at("said").textContent = text; };

let camera = null; // the AbortController of the camera that runs or starts

/** Wires the ways in. check takes the text of a code; begin makes room for another one. */
export function takeInput({ check, begin }) {
  at("camera-start").hidden = !hasCamera();
  at("camera-start").addEventListener("click", () => openCamera(check));
  at("camera-stop").addEventListener("click", () => {
    clearInput();
    at("camera-start").focus();
  });
  document.addEventListener("visibilitychange", () => document.hidden && closeCamera());
  at("picture-choose").addEventListener("click", () => at("picture").click());
  at("picture").addEventListener("change", () => takePicture(at("picture").files[0], check));
  at("text-form").addEventListener("submit", (event) => {
    event.preventDefault();
    takeText(check);
  });
  const drop = (event, files) => {
    if (files.length === 0) return; // text goes where it was meant to
    event.preventDefault();
    begin();
    takePicture(files[0], check);
  };
  document.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
  document.addEventListener("drop", (event) => drop(event, event.dataTransfer.files));
  document.addEventListener("paste", (event) => drop(event, event.clipboardData.files));
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
  at("camera-stop").focus();
  const mine = camera = new AbortController();
  try {
    await startCamera(at("view"), { signal: mine.signal, found: (texts) => seen(texts, check), failed: () => refuseCamera("no_reader") });
  } catch (error) {
    if (!mine.signal.aborted) refuseCamera({ NotAllowedError: "camera_denied", NotFoundError: "camera_missing" }[error.name] ?? "camera_busy");
  }
}

/** A foreign code in view is said and passed over: it may hang beside ours. */
function seen(texts, check) {
  const ours = [...new Set(texts)].filter(isCode);
  if (ours.length !== 1) {
    note(say(ours.length === 0 ? "foreign" : "many_codes"));
    return;
  }
  closeCamera();
  note("");
  check(ours[0]);
}

function refuseCamera(word) {
  closeCamera();
  note(say(word));
}

function closeCamera() {
  camera?.abort();
  camera = null;
  at("camera").hidden = true;
  at("camera-start").hidden = !hasCamera();
}
