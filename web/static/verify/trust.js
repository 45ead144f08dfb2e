// What this device trusts: the root key pinned at the first visit, and the newest bundle that this root vouches for.

import { readBundle, readRoot } from "./bundle.js";
import { takeIn } from "./memory.js";
import { keep, recall } from "./store.js";

const ROOT = "/.well-known/root.json";
const BUNDLE = "/bundle";
const PATIENCE = 60_000; // milliseconds for a download

/** Why the last refresh brought nothing. kind is a word that the page has a text for. */
export class Problem extends Error {
  constructor(kind, detail = "") {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail;
  }
}

export class Trust {
  root = null; // {issuer, thumbprint, …}
  bundle = null; // {issuer, iat, exp, keys, lists}
  fetchedAt = 0; // Unix milliseconds
  offered = null; // another root that the server shows; refused until somebody accepts it
  #memory; // the newest times seen

  /** Takes up what was kept, checking it from the root down as if it came from the network. */
  async load() {
    const [root, bundle, fetchedAt] = await kept(recall("root", "bundle", "fetched_at"));
    if (!root) return;
    try {
      this.root = await readRoot(root);
      if (bundle) this.bundle = await readBundle(bundle, this.root);
      this.fetchedAt = fetchedAt ?? 0;
    } catch {
      this.bundle = null;
      throw new Problem("kept_bad");
    }
  }

  /** Fetches root and bundle. What is there stays unless what comes is whole, signed, and not older. One page of this site at a time. */
  refresh() {
    const once = () => this.#refresh();
    return navigator.locks ? navigator.locks.request("checker", once) : once();
  }

  async #refresh() {
    const rootText = await fetched(ROOT);
    const root = await verified(() => readRoot(rootText));
    const pinned = this.root ?? (await pinnedElsewhere()) ?? root;
    this.offered = null;
    if (root.thumbprint !== pinned.thumbprint) {
      Object.assign(this, { root: pinned, offered: { root, text: rootText } });
      throw new Problem("root");
    }
    await this.#take(await fetched(BUNDLE), pinned, rootText);
  }

  /** A root is pinned with the first bundle that it vouches for. What cannot be kept still counts until the page is closed. */
  async #take(text, root, rootText) {
    const [known] = await recall("memory").catch(() => [this.#memory]);
    const { trusted, memory } = await verified(async () => takeIn(await readBundle(text, root), known, Date.now() / 1000));
    Object.assign(this, { root, bundle: trusted, fetchedAt: Date.now() });
    this.#memory = memory;
    await kept(keep({ root: rootText, bundle: text, memory, fetched_at: this.fetchedAt }));
  }

  /** Replaces the pinned root by the one offered. What the old one vouched for is forgotten. */
  async accept() {
    const { root, text } = this.offered;
    Object.assign(this, { root, bundle: null, fetchedAt: 0, offered: null });
    this.#memory = undefined;
    await kept(keep({ root: text, bundle: undefined, memory: undefined, fetched_at: 0 }));
  }

  /** The times that the page shows, in Unix seconds; nothing without lists. */
  span() {
    const lists = this.bundle?.lists ?? [];
    if (lists.length === 0) return null;
    return {
      asOf: Math.min(...lists.map((list) => list.iat)),
      until: Math.min(...lists.map((list) => list.exp)),
      due: Math.min(...lists.map((list) => list.iat + list.ttl)),
    };
  }
}

/** The root that another page of this site has pinned since this one was opened. */
async function pinnedElsewhere() {
  const [text] = await recall("root").catch(() => []);
  return text && readRoot(text);
}

async function verified(read) {
  try {
    return await read();
  } catch (error) {
    throw new Problem(error.elsewhere ? "elsewhere" : "refused", error.message);
  }
}

async function fetched(address) {
  let answer;
  try {
    answer = await fetch(address, { cache: "no-cache", credentials: "omit", signal: AbortSignal.timeout?.(PATIENCE) });
    if (answer.ok) return await answer.text();
  } catch {
    throw new Problem("offline");
  }
  throw new Problem(answer.status === 404 ? "absent" : "failed");
}

const kept = (promise) => promise.catch(() => { throw new Problem("store"); });
