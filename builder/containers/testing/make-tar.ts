/** An entry for a test's tar. */
export interface TestEntry {
  readonly name: string;
  /** One character; "0" if not given. */
  readonly type?: string;
  readonly target?: string;
  readonly data?: string | Uint8Array;
}

/** A tar of these entries, with its end. */
export function makeTar(...entries: readonly TestEntry[]): Buffer {
  return Buffer.concat([...entries.map(makeTarEntry), Buffer.alloc(1024)]);
}

/** One header with its data. */
export function makeTarEntry({ name, type = "0", target = "", data = "" }: TestEntry): Buffer {
  const bytes = Buffer.from(data);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000644\0" + "0000000\0".repeat(2), 100);
  header.write(`${bytes.length.toString(8).padStart(11, "0")}\0` + "00000000000\0" + "        " + type, 124);
  header.write(target, 157, 100);
  header.write("ustar\0" + "00", 257);
  return seal(Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]));
}

/** A pax record, its length counted. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = [1, 2, 3, 4].map((digits) => Buffer.byteLength(rest) + digits).find((n, i) => `${n}`.length === i + 1) ?? 0;
  return `${length}${rest}`;
}

/** Writes the checksum of the header at the beginning anew. */
export function seal(entry: Buffer): Buffer {
  entry.write("        ", 148);
  const sum = entry.subarray(0, 512).reduce((a, b) => a + b, 0);
  entry.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return entry;
}
