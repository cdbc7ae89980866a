import { z } from "zod";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { base64Text } from "../../proto/wire/text.ts";
import { HubError } from "../error.ts";

/** One row as node:sqlite gives it. The file may have been edited by hand: columns are read through the functions below. */
export type Row = Readonly<Record<string, unknown>>;

/** Column as text. Throws HubError `INTERNAL` on anything else. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw wrong(column, "text");
  return value;
}

/** Column as a safe integer. Throws HubError `INTERNAL` on anything else. */
export function int(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong(column, "an integer");
  return value;
}

/** Column as bytes. Throws HubError `INTERNAL` on anything else. */
export function blob(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw wrong(column, "bytes");
  return new Uint8Array(value);
}

/** Column as text, or null where it is NULL. */
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

const chainSchema = z.array(base64Text(4096)).max(4);
const MAX_CHAIN_BYTES = 64 * 1024;

/** Column as certificates, DER, as {@link chainText} wrote them. Throws HubError `INTERNAL` or WireError on anything else. */
export function chain(row: Row, column: string): readonly Uint8Array[] {
  return parseJson(chainSchema, utf8(text(row, column)), MAX_CHAIN_BYTES).map(fromBase64);
}

/** Certificates as a column holds them. */
export function chainText(certificates: readonly Uint8Array[]): string {
  return JSON.stringify(certificates.map(toBase64));
}

function wrong(column: string, wanted: string): HubError {
  return new HubError("INTERNAL", `column ${column} of the database is not ${wanted}`);
}
