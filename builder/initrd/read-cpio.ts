import { WireError } from "../../proto/wire/error.ts";
import { ByteReader } from "../../proto/wire/reader.ts";
import { isInitrdPath, MAX_INITRD_PATH } from "./cpio.ts";

/** A file of an archive, or another kind of entry without contents. */
export interface CpioFile {
  readonly path: string;
  /** Type and permission bits as in stat(2). */
  readonly mode: number;
  readonly data: Uint8Array;
}

const MAX_ENTRIES = 4096;

/** cpioArchive fills its last block with zeros. */
const BLOCK = 512;
const [TYPE, FOLDER] = [0o170000, 0o040000];

/**
 * A "newc" cpio archive as cpioArchive writes it → its entries, in order. As strict as the kernel is lenient: it would go on behind the end of the archive, let a second
 * entry of a name replace the first, follow names upwards and take one file's contents for another's, so none of that is in what we read. Throws WireError.
 */
export function readCpio(archive: Uint8Array): readonly CpioFile[] {
  const r = new ByteReader(archive);
  const files = new Map<string, CpioFile>();
  for (;;) {
    const entry = readEntry(r);
    if (entry.path === "TRAILER!!!") break;
    if (files.has(entry.path)) throw new WireError("BAD_VALUE", `${entry.path} is in the archive twice`);
    if (files.set(entry.path, entry).size > MAX_ENTRIES) throw new WireError("TOO_LARGE", `the archive has more than ${MAX_ENTRIES} entries`);
  }
  if (r.left >= BLOCK) throw new WireError("TRAILING_BYTES", `${r.left} bytes behind the end of the archive`);
  zeros(r, r.left);
  return [...files.values()];
}

function readEntry(r: ByteReader): CpioFile {
  if (ascii(r.bytes(6)) !== "070701") throw new WireError("BAD_VALUE", "an entry of the archive doesn't start with its magic");
  const fields = Array.from({ length: 13 }, () => hexField(ascii(r.bytes(8))));
  const [mode = 0, links = 0, size = 0, nameSize = 0] = [fields[1], fields[4], fields[6], fields[11]];
  if (nameSize < 2 || nameSize > MAX_INITRD_PATH + 1) throw new WireError("BAD_VALUE", `a name of ${nameSize} bytes in the archive`);
  const path = ascii(r.bytes(nameSize - 1));
  zeros(r, 1);
  pad(r);
  if (!isInitrdPath(path)) throw new WireError("BAD_VALUE", `${JSON.stringify(path)} is no name for an entry of the archive`);
  if (links > 1 && (mode & TYPE) !== FOLDER) throw new WireError("BAD_VALUE", `${path} in the archive is a link to another entry`);
  const data = r.bytes(size);
  pad(r);
  return { path, mode, data };
}

function pad(r: ByteReader): void {
  zeros(r, (4 - (r.offset % 4)) % 4);
}

function zeros(r: ByteReader, count: number): void {
  if (r.bytes(count).some((byte) => byte !== 0)) throw new WireError("BAD_VALUE", "something stands between the entries of the archive, or behind them");
}

function hexField(text: string): number {
  if (!/^[0-9A-Fa-f]{8}$/.test(text)) throw new WireError("BAD_VALUE", "a header of the archive is no hexadecimal number");
  return Number.parseInt(text, 16);
}

function ascii(data: Uint8Array): string {
  return Buffer.from(data).toString("latin1");
}
