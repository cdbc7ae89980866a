import { WireError } from "../../proto/wire/error.ts";
import { ByteReader } from "../../proto/wire/reader.ts";

/** A file of an archive, or another kind of entry without contents. */
export interface CpioFile {
  readonly path: string;
  /** Type and permission bits as in stat(2). */
  readonly mode: number;
  readonly data: Uint8Array;
}

const MAX_ENTRIES = 4096;
const MAX_PATH = 1024;

/** A "newc" cpio archive as cpioArchive writes it → its entries, in order. Throws WireError. */
export function readCpio(archive: Uint8Array): readonly CpioFile[] {
  const r = new ByteReader(archive);
  const files: CpioFile[] = [];
  for (;;) {
    const entry = readEntry(r);
    if (entry.path === "TRAILER!!!") return files;
    if (files.push(entry) > MAX_ENTRIES) throw new WireError("TOO_LARGE", `the archive has more than ${MAX_ENTRIES} entries`);
  }
}

function readEntry(r: ByteReader): CpioFile {
  if (ascii(r.bytes(6)) !== "070701") throw new WireError("BAD_VALUE", "an entry of the archive doesn't start with its magic");
  const fields = Array.from({ length: 13 }, () => hexField(ascii(r.bytes(8))));
  const [mode = 0, size = 0, nameSize = 0] = [fields[1], fields[6], fields[11]];
  if (nameSize < 2 || nameSize > MAX_PATH + 1) throw new WireError("BAD_VALUE", `a name of ${nameSize} bytes in the archive`);
  const path = ascii(r.bytes(nameSize - 1));
  r.bytes(1);
  pad(r);
  const data = r.bytes(size);
  pad(r);
  return { path, mode, data };
}

function pad(r: ByteReader): void {
  r.bytes((4 - (r.offset % 4)) % 4);
}

function hexField(text: string): number {
  if (!/^[0-9A-Fa-f]{8}$/.test(text)) throw new WireError("BAD_VALUE", "a header of the archive is no hexadecimal number");
  return Number.parseInt(text, 16);
}

function ascii(data: Uint8Array): string {
  return Buffer.from(data).toString("latin1");
}
