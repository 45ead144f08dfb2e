// Why a text is not a valid code, or a bundle not a usable one. The reasons are those of docs/formats.md.

/** A refusal with its reason; detail is one English sentence for people, not for programs. */
export class Refusal extends Error {
  constructor(reason, detail) {
    super(detail);
    this.reason = reason;
  }
}

export const malformed = (detail) => new Refusal("malformed", detail);
export const unknownKey = (detail) => new Refusal("unknown_key", detail);

/** The key is in the key set, but this browser lacks its algorithm: nothing is known about the code. */
export function elsewhere(alg) {
  return Object.assign(unknownKey(`this browser cannot check ${alg}: use another verifier`), { elsewhere: true });
}

export const badSignature = () => new Refusal("bad_signature", "the signature does not fit");
