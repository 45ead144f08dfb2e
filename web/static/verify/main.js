// The checker's page: input on one side, what this device trusts on the other, the verdict between them.

import { clearInput, takeInput } from "./input.js";
import { Material } from "./material.js";
import { keepOffline } from "./offline.js";
import { article } from "./show.js";
import { Trust } from "./trust.js";
import { verdictOf } from "./verify.js";
import { say } from "./words.js";

const LOOK_AGAIN = 60_000; // milliseconds: ages on the page move on, and lists become due

const at = (id) => document.getElementById(id);
const trust = new Trust();
const material = new Material(trust, showAgain);

let shown = null; // the text whose verdict is on the page

/** Shows the verdict about a text and takes the reader there. */
async function check(text) {
  shown = text;
  await show();
  at("input").hidden = true;
  goToTitle();
  at("result").scrollIntoView({ block: "start" });
}

const goToTitle = () => at("result").querySelector("[data-slot=title]")?.focus({ preventScroll: true });

async function show() {
  const text = shown;
  const now = Date.now() / 1000;
  const verdict = await pageVerdict(text, now);
  if (text === shown) at("result").replaceChildren(article(verdict, { text, now, again })); // else another one was asked for meanwhile
}

async function pageVerdict(text, now) {
  if (!trust.bundle) return { reason: "no_material", signature_valid: false };
  if (now >= trust.bundle.exp) return { reason: "no_material", why: "keys_expired", signature_valid: false };
  const verdict = await verdictOf(text, trust.bundle, now);
  return verdict.elsewhere ? { ...verdict, reason: "elsewhere" } : verdict;
}

/** Newer lists may change the verdict on the page. A reader who is at it stays there. */
async function showAgain() {
  if (shown === null) return;
  const reading = at("result").contains(document.activeElement);
  await show();
  if (reading) goToTitle();
}

/** Makes room for another code. */
function begin() {
  shown = null;
  at("result").replaceChildren();
  at("input").hidden = false;
  clearInput();
}

function again() {
  begin();
  (at("camera-start").hidden ? at("picture-choose") : at("camera-start")).focus();
}

function offerUpdate(update) {
  at("update-ready").hidden = false;
  at("update").addEventListener("click", update);
}

async function start() {
  at("old-browser").remove();
  if (!crypto.subtle) {
    at("result").textContent = say("insecure");
    return;
  }
  at("input").hidden = false;
  at("material").hidden = false;
  takeInput({ check, begin });
  keepOffline({ ready: () => material.offlineReady(), waiting: offerUpdate }).catch(() => {}); // the page works without it, while there is a network
  await material.load();
  await material.refreshIfDue();
  addEventListener("online", () => material.refreshIfDue());
  document.addEventListener("visibilitychange", () => document.hidden || material.refreshIfDue());
  setInterval(() => {
    material.show();
    material.refreshIfDue();
  }, LOOK_AGAIN);
}

start();
