import { WireError } from "../../proto/wire/error.ts";
import { ByteReader } from "../../proto/wire/reader.ts";

/** Bytes of a header, and what data is filled up to. */
export const TAR_BLOCK = 512;

/** One header of a tar, as it stands there. */
export interface TarHeader {
  readonly name: string;
  readonly size: number;
  /** One character: "0" file, "2" symbolic link, … */
  readonly type: string;
  readonly target: string;
}

/** A block of 512 bytes → the header in it (POSIX.1-2024 pax "ustar Interchange Format", and GNU's sizes). Throws WireError. */
export function parseTarHeader(block: Uint8Array): TarHeader {
  const reader = new ByteReader(block);
  const name = text(reader.bytes(100));
  reader.bytes(24);
  const size = number(reader.bytes(12));
  reader.bytes(12);
  const checksum = number(reader.bytes(8));
  const type = text(reader.bytes(1));
  const target = text(reader.bytes(100));
  const posix = new TextDecoder("latin1").decode(reader.bytes(6)) === "ustar\0";
  reader.bytes(82);
  const prefix = posix ? text(reader.bytes(155)) : "";
  const sum = block.reduce((a, b, at) => a + (at >= 148 && at < 156 ? 32 : b), 0);
  if (sum !== checksum) throw new WireError("BAD_VALUE", "a header of the tar has a wrong checksum");
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, type: type === "" ? "0" : type, target };
}

/** The records of an extended header: "LENGTH KEY=VALUE\n", the length in bytes and of all of it. Later ones win. Throws WireError. */
export function parsePax(data: Uint8Array): ReadonlyMap<string, string> {
  const reader = new ByteReader(data);
  const records = new Map<string, string>();
  while (reader.left > 0) {
    const start = reader.offset;
    let digits = "";
    for (let c = reader.u8(); c !== 0x20; c = reader.u8()) digits += String.fromCharCode(c);
    const length = /^\d{1,8}$/.test(digits) ? Number(digits) : 0;
    const record = new TextDecoder().decode(reader.bytes(length - (reader.offset - start)));
    const equals = record.indexOf("=");
    if (equals < 1 || !record.endsWith("\n")) throw new WireError("BAD_VALUE", "an extended header of the tar holds no record");
    records.set(record.slice(0, equals), record.slice(equals + 1, -1));
  }
  return records;
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, or with the highest bit set a big-endian number. */
function number(field: Uint8Array): number {
  const first = new ByteReader(field).u8();
  if ((first & 0x80) !== 0) {
    const value = field.reduce((n, byte, at) => n * 256n + BigInt(at === 0 ? byte & 0x7f : byte), 0n);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError("TOO_LARGE", "a size in the tar is over 2^53");
    return Number(value);
  }
  const digits = text(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw new WireError("BAD_VALUE", "a number in the tar isn't octal");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}
