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

function wrong(column: string, wanted: string): HubError {
  return new HubError("INTERNAL", `column ${column} of the database is not ${wanted}`);
}
