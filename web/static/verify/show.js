// The result: a verdict in words, shapes and colours, in the page's own template.

import { cutURL } from "./text.js";
import { age, moment, say } from "./words.js";

const ICONS = new Map([...document.getElementById("icons").content.children].map((one) => [one.dataset.icon, one.firstElementChild]));

const icon = (name) => ICONS.get(name).cloneNode(true);

/** Returns the article of a verdict of now (Unix seconds). text is what was checked; again is what the button does. */
export function article(verdict, { text, now, again }) {
  const content = document.getElementById("verdict").content.cloneNode(true);
  const slots = Object.fromEntries([...content.querySelectorAll("[data-slot]")].map((one) => [one.dataset.slot, one]));
  head(slots, verdict, now);
  advice(slots, verdict);
  grade(slots, verdict);
  who(slots, verdict, text);
  details(slots, verdict);
  slots.checked.textContent = say("at", moment(now));
  slots.again.addEventListener("click", again);
  return content;
}

/** Reasons after which nothing is known, neither good nor bad. */
const OPEN = ["elsewhere", "no_material", "unsupported_version"];

function head(slots, verdict, now) {
  const style = tone(verdict);
  slots.card.classList.add(`hc-tone-${style}`);
  slots.icon.append(icon(style));
  slots.title.textContent = say(`title.${verdict.reason}`);
  slots.text.textContent = sentence(verdict, now);
  const unsigned = OPEN.includes(verdict.reason) ? "unknown" : "no";
  answer(slots.issued, verdict.signature_valid ? "yes" : unsigned);
  answer(slots.current, verdict.signature_valid ? verdict.current : unsigned);
}

/** good: rely on it. warn: ours, but not now, or nothing is known. bad: do not rely on it. */
function tone({ reason, signature_valid: signed }) {
  if (reason === "ok") return "good";
  if (reason === "revoked" || reason === "suspended") return "bad";
  return signed || OPEN.includes(reason) ? "warn" : "bad";
}

function answer(slot, word) {
  slot.textContent = say(word);
  slot.className = `vf-answer vf-${word}`;
}

function sentence({ reason, why, status_as_of: asOf }, now) {
  const key = why ? `text.${why}` : `text.${reason}`;
  if (!asOf) return say(key);
  const at = Date.parse(asOf) / 1000;
  return say(key, moment(at), age(now - at));
}

function advice(slots, { reason }) {
  if (reason === "ok") slots.advice.remove();
  else slots.do.textContent = say(`do.${reason}`);
}

/** A grade wears its colour only while the code is known to be in force. */
function grade(slots, verdict) {
  const shown = verdict.authentic ? verdict.grade : null;
  if (!shown) {
    slots.grade.remove();
    return;
  }
  const asOf = say("as_of", moment(Date.parse(shown.as_of) / 1000));
  const own = shown.as_of === verdict.issued_at;
  if (verdict.current !== "yes") {
    plainGrade(slots, `${say("own_grade")} · ${asOf}`, say("at_issue", say(`colour.${shown.colour}`), say(`tier.${shown.tier}`)));
    return;
  }
  slots.grade.classList.add(`hc-${shown.colour}`);
  slots["grade-title"].textContent = `${say(own ? "own_grade" : "live_grade")} · ${asOf}`;
  slots.shape.append(icon(shown.colour));
  slots.colour.textContent = say(`colour.${shown.colour}`);
  slots.means.textContent = say(`colour_means.${shown.colour}`);
  slots.tier.textContent = say(`tier.${shown.tier}`);
}

function plainGrade(slots, title, text) {
  slots.grade.classList.add("hc-none");
  slots["grade-title"].textContent = title;
  const line = document.createElement("p");
  line.textContent = text;
  slots.grade.replaceChildren(slots["grade-title"], line);
}

function who(slots, verdict, text) {
  if (!verdict.signature_valid) {
    slots.who.remove();
    slots.live.remove();
    return;
  }
  slots.uscc.append(...groups(verdict.uscc));
  if (!verdict.authentic) slots.compare.remove();
  if (navigator.onLine) slots["live-link"].href = `${verdict.issuer}/v/${cutURL(text)}`;
  else slots.live.remove();
}

/** Three groups of six compare well by eye. They are one text when copied or read out. */
const groups = (uscc) => uscc.match(/.{6}/g).map((six) => {
  const group = document.createElement("span");
  group.textContent = six;
  return group;
});

function details(slots, verdict) {
  if (!verdict.signature_valid) {
    slots.details.remove();
    return;
  }
  slots["issued-at"].textContent = say("at", moment(Date.parse(verdict.issued_at) / 1000));
  slots["expires-at"].textContent = say("at", moment(Date.parse(verdict.expires_at) / 1000));
  if (verdict.current === "yes") slots["at-issue"].textContent = say("at_issue", say(`colour.${verdict.colour}`), say(`tier.${verdict.tier}`));
  else slots["at-issue-line"].remove();
  for (const name of ["model", "issuer", "kid", "idx"]) slots[name].textContent = verdict[name];
  slots.form.textContent = say(`form.${verdict.form}`);
}
