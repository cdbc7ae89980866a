import { utf8 } from "../../proto/wire/bytes.ts";

const HEADER = /^sbat,[^\n]*\n/;

/**
 * Merges SBAT tables (shim SBAT.md: CSV, first line names "sbat" itself): the first one whole, of the others what stands
 * below their header, and a NUL at the end, as systemd's own tables have it. Throws RangeError on anything else.
 */
export function mergeSbat(tables: readonly Uint8Array[]): Uint8Array {
  const texts = tables.map((table) => new TextDecoder("utf-8", { fatal: true }).decode(table).replace(/\0+$/, ""));
  for (const text of texts) if (!HEADER.test(text)) throw new RangeError('an SBAT table must start with a "sbat," line');
  const [first = "", ...rest] = texts.map((text) => (text.endsWith("\n") ? text : `${text}\n`));
  return utf8(first + rest.map((text) => text.replace(HEADER, "")).join("") + "\0");
}
