import { createPublicKey, type KeyObject } from "node:crypto";

/** SubjectPublicKeyInfo (DER) → key. Throws node's error on bytes that are none. */
export function importSpki(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
}

/** Key → SubjectPublicKeyInfo, DER. */
export function exportSpki(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: "spki", format: "der" }));
}
