import { concatBytes } from "../../proto/wire/bytes.ts";

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
