import { z } from "zod";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { base64Text, hexText } from "../../proto/wire/text.ts";

/** An envelope over a release of 64 roles fits. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const MAX_LINE_BYTES = 12 * 1024 * 1024;

/** One answer of a signer: to what kind of request, over which bytes, and what it gave. All of it is public. */
const recordSchema = z.strictObject({ what: z.string().regex(/^[a-z]+( [a-z]+)?$/).max(64), sha256: hexText(32), answer: base64Text(MAX_ANSWER_BYTES) });
/** See {@link recordSchema}. */
export type SignatureRecord = z.output<typeof recordSchema>;

/** By what a record is found again. */
export function requestKey(what: string, data: Uint8Array): string {
  return `${what} ${toHex(sha256(data))}`;
}

/** Records as a file: canonical JSON, one a line, in the order of their keys, so that two builds write the same. */
export function encodeRecords(records: Iterable<SignatureRecord>): Uint8Array {
  const byKey = new Map([...records].map((r) => [`${r.what} ${r.sha256}`, r]));
  const keys = [...byKey.keys()].sort();
  return utf8(keys.map((key) => encodeRecord(byKey.get(key))).join(""));
}

/** One line. */
export function encodeRecord(record: SignatureRecord | undefined): string {
  return `${new TextDecoder().decode(canonicalJson(record))}\n`;
}

/** The records of a file, by key. A last line that isn't whole is one that was being written when the build was stopped. Throws WireError. */
export function parseRecords(data: Uint8Array): ReadonlyMap<string, SignatureRecord> {
  const lines = new TextDecoder().decode(data).split("\n").slice(0, -1);
  const records = lines.map((line) => parseJson(recordSchema, utf8(line), MAX_LINE_BYTES));
  return new Map(records.map((r) => [`${r.what} ${r.sha256}`, r]));
}
