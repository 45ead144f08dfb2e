// Keeps the checker's page and files, so that it opens without a network. The server puts a line before this file:
// const SHELL = {version, pages: {language: address}, files: [address, …]}. Codes, bundle and root are never kept here.

const CACHE = `checker-${SHELL.version}`;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", (event) => event.data === "update" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const address = keptAddress(event.request);
  if (address) event.respondWith(kept(address, event.request));
});

/** All or nothing: a page never meets files of another version. */
async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll([...Object.values(SHELL.pages), ...SHELL.files].map((address) => new Request(address, { cache: "no-cache" })));
}

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith("checker-") && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

/** The address under which the answer is kept, or nothing: everything else goes to the network as if we were not here. */
function keptAddress(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return undefined;
  if (request.mode === "navigate" && url.pathname === "/verify") return SHELL.pages[languageOf(url.searchParams.get("lang"))];
  return SHELL.files.find((file) => file === url.pathname);
}

/** The same choice as the server's: what the address says, else the browser's first language that the pages speak, else Chinese. */
function languageOf(asked) {
  for (const tag of [asked ?? "", ...self.navigator.languages]) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "zh") return "zh-CN";
    if (primary === "en") return "en";
  }
  return "zh-CN";
}

async function kept(address, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(address, { ignoreVary: true })) ?? fetch(request);
}
