import { concatBytes, utf8 } from "./bytes.ts";

/** One DER element: tag, definite length in its shortest form, contents (X.690 §8.1, §10.1). */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...contents);
  return concatBytes(Uint8Array.of(tag), length(body.length), body);
}

function length(n: number): Uint8Array {
  if (n < 0x80) return Uint8Array.of(n);
  const bytes: number[] = [];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

/** SEQUENCE. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

/** SET OF: DER wants the elements sorted by their encoding (X.690 §11.6). */
export function setOf(...elements: readonly Uint8Array[]): Uint8Array {
  return der(0x31, ...[...elements].sort(Buffer.compare));
}

/** BOOLEAN. */
export function boolean(value: boolean): Uint8Array {
  return der(0x01, Uint8Array.of(value ? 0xff : 0));
}

/** INTEGER of unsigned big-endian bytes: none too many in front, and a zero where the first bit would make it negative (X.690 §8.3). */
export function unsignedInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const body = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return (body[0] ?? 0) < 0x80 ? der(0x02, body) : der(0x02, Uint8Array.of(0), body);
}

/** BIT STRING of whole bytes. */
export function bitString(data: Uint8Array): Uint8Array {
  return der(0x03, Uint8Array.of(0), data);
}

/** UTF8String. */
export function utf8String(text: string): Uint8Array {
  return der(0x0c, utf8(text));
}

/** A date of a certificate, to the second: UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function time(date: Date): Uint8Array {
  const text = `${date.toISOString().replaceAll(/[-T:]|\.\d{3}/g, "")}`;
  return date.getUTCFullYear() < 2050 ? der(0x17, utf8(text.slice(2))) : der(0x18, utf8(text));
}

/** [n], constructed: explicit tagging, or implicit tagging of something constructed. */
export function context(n: number, ...contents: readonly Uint8Array[]): Uint8Array {
  return der(0xa0 | n, ...contents);
}

/** INTEGER of a small number, 0 to 127. */
export function smallInteger(n: number): Uint8Array {
  if (!Number.isInteger(n) || n < 0 || n > 127) throw new RangeError(`${n} doesn't fit one byte`);
  return der(0x02, Uint8Array.of(n));
}

/** OCTET STRING. */
export function octetString(data: Uint8Array): Uint8Array {
  return der(0x04, data);
}

/** NULL. */
export function nothing(): Uint8Array {
  return der(0x05);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const out = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) out.unshift(0x80 | rest % 128);
  return out;
}
