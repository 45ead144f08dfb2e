// zlib (RFC 1950) with a cap: the length is known beforehand, and one byte more or less is refused.

const SLICE = 1024; // so small that a bomb's slice stays below 1 MiB before it is noticed

/** Returns exactly length bytes. Throws when there are more or fewer, when bytes follow the end, and when the checksum is wrong. */
export async function inflate(packed, length) {
  const reader = slices(packed).pipeThrough(new DecompressionStream("deflate")).getReader();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (value.length > length - at) {
      await reader.cancel();
      throw new Error("the list is longer than it may be");
    }
    bytes.set(value, at);
    at += value.length;
  }
  if (at !== length) throw new Error("the list is too short");
  return bytes;
}

function slices(bytes) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      controller.enqueue(bytes.subarray(at, at + SLICE));
      at += SLICE;
    },
  }, { highWaterMark: 0 });
}
