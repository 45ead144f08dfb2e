// The card that says what this device checks with, how old it is, and lets people refresh it.

import { isAhead } from "./list.js";
import { Problem } from "./trust.js";
import { age, moment, say } from "./words.js";

const RETRY = 60; // seconds between refreshes that nobody asked for

const at = (id) => document.getElementById(id);

/** Shows and refreshes what trust holds. changed is called after every attempt. */
export class Material {
  #trust;
  #changed;
  #tried = 0; // Unix seconds of the last attempt
  #offlineReady = false;

  constructor(trust, changed) {
    this.#trust = trust;
    this.#changed = changed;
    at("refresh").addEventListener("click", () => this.refresh());
    at("root-compared").addEventListener("change", (event) => { at("root-accept").disabled = !event.target.checked; });
    at("root-accept").addEventListener("click", () => this.#accept());
  }

  /** Takes up what was kept. */
  async load() {
    try {
      await this.#trust.load();
    } catch (error) {
      this.#say(error);
    }
    this.show();
  }

  /** Refreshes when the lists are older than they ask for and the last attempt is a while ago. */
  async refreshIfDue() {
    const now = Date.now() / 1000;
    const span = this.#trust.span();
    if (navigator.onLine && now - this.#tried >= RETRY && (!span || now >= span.due)) await this.refresh();
  }

  async refresh() {
    this.#tried = Date.now() / 1000;
    at("refresh").disabled = true;
    at("refresh-said").textContent = say("refreshing");
    try {
      await this.#trust.refresh();
      at("refresh-said").textContent = say("refreshed");
    } catch (error) {
      this.#say(error);
    }
    at("refresh").disabled = false;
    this.show();
    this.#changed();
  }

  #say(error) {
    const problem = error instanceof Problem ? error : new Problem("refused", error.message);
    at("refresh-said").textContent = say(`problem.${problem.kind}`, problem.detail);
  }

  async #accept() {
    at("root-compared").checked = false;
    at("root-accept").disabled = true;
    await this.#trust.accept().catch((error) => this.#say(error));
    await this.refresh();
  }

  offlineReady() {
    this.#offlineReady = true;
    this.show();
  }

  #offline(span, now) {
    if (!this.#offlineReady || !this.#trust.bundle) return "offline_not";
    return span && now < span.until ? "offline_ready" : "offline_stale";
  }

  show() {
    const { root, bundle, fetchedAt, offered } = this.#trust;
    const now = Date.now() / 1000;
    const span = this.#trust.span();
    at("lists-as-of").textContent = span ? since(span.asOf, now) : say("absent");
    at("lists-until").textContent = span ? until(span.until, now) : say("absent");
    at("keys-as-of").textContent = bundle ? moment(bundle.iat) : say("absent");
    at("keys-until").textContent = bundle ? until(bundle.exp, now) : say("absent");
    at("fetched-at").textContent = bundle && fetchedAt ? since(fetchedAt / 1000, now) : say("absent");
    at("root-print").textContent = root ? grouped(root.thumbprint) : say("absent");
    at("offline").textContent = say(this.#offline(span, now));
    at("root-changed").hidden = !offered;
    at("root-old").textContent = offered ? grouped(root.thumbprint) : "";
    at("root-new").textContent = offered ? grouped(offered.root.thumbprint) : "";
  }
}

function since(time, now) {
  if (isAhead(time, now)) return say("future", moment(time));
  return say("aged", moment(time), age(now - time));
}

const until = (time, now) => (now < time ? moment(time) : say("stale", moment(time)));

/** Groups of four, to be compared aloud. */
const grouped = (text) => text.match(/.{1,4}/g).join(" ");
