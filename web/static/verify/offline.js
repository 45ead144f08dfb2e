// Registers the service worker that lets the page open without a network.

const SCRIPT = "/verify/sw.js";

/** Calls ready when the page will open without a network, and waiting(update) when a newer checker has been fetched. */
export async function keepOffline({ ready, waiting }) {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register(SCRIPT, { scope: "/verify" });
  const tell = () => registration.waiting && navigator.serviceWorker.controller && waiting(() => update(registration.waiting));
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", tell));
  tell();
  await navigator.serviceWorker.ready;
  ready();
}

function update(worker) {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  worker.postMessage("update");
}
