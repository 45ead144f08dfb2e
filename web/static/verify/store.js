// What the checker remembers on this device, in IndexedDB: the pinned root, the newest bundle, the newest iat of each list. Never a code.

const NAME = "checker";
const STORE = "kept";

let database;

/** Opens once. Fails where the browser keeps nothing, as in some private windows. */
function opened() {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return database;
}

/** Returns the values of the names, undefined for what was never kept. */
export async function recall(...names) {
  const store = (await opened()).transaction(STORE).objectStore(STORE);
  return Promise.all(names.map((name) => answer(store.get(name))));
}

/** Keeps all values or none. */
export async function keep(values) {
  const transaction = (await opened()).transaction(STORE, "readwrite");
  for (const [name, value] of Object.entries(values)) transaction.objectStore(STORE).put(value, name);
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
}

const answer = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
