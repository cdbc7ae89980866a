import type { ExpectedEvent } from "../../proto/release/release.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";

/** An expected event whose digest is SHA-256 over `data`. */
export function event(type: string, data: Uint8Array, what: string): ExpectedEvent {
  return { type, digest: toHex(sha256(data)), what };
}

/** The digest that our init and agent extend for a word: SHA-256 over its ASCII, without NUL. */
export function wordDigest(word: string): Uint8Array {
  return sha256(utf8(word));
}

/** Value of a PCR (hex) that started as zeros and was extended by these events (TPM 2.0 Part 1, "Extend of a PCR"). */
export function valueAfter(events: readonly Pick<ExpectedEvent, "digest">[]): string {
  return toHex(events.reduce<Uint8Array>((value, e) => sha256(value, fromHex(e.digest)), new Uint8Array(32)));
}
