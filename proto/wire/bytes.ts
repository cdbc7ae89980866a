import { createHash, hash, timingSafeEqual } from "node:crypto";

/** SHA-256 over the concatenation of the parts: 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only, ...others] = parts;
  // One call without an object to collect: a verdict hashes a hundred short things.
  if (only !== undefined && others.length === 0) return new Uint8Array(hash("sha256", only, "buffer"));
  const all = createHash("sha256");
  for (const part of parts) all.update(part);
  return new Uint8Array(all.digest());
}

/** Whether two byte strings are equal, in time that depends on their lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The parts one after the other in a new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** UTF-8 bytes of `text`, without a terminator. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
