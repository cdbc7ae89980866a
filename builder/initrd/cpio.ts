/** One entry of an initrd; order is the caller's, and folders come before what is in them. All owned by root. */
export type CpioEntry =
  | { readonly type: "folder"; readonly path: string; readonly mode: number }
  | { readonly type: "file"; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly type: "device"; readonly path: string; readonly mode: number; readonly major: number; readonly minor: number };

/** Characters of a name in an initrd. */
export const MAX_INITRD_PATH = 1024;
const TYPE_BITS = { folder: 0o040000, file: 0o100000, device: 0o020000 } as const;

/**
 * Entries → a "newc" cpio archive (Linux Documentation/driver-api/early-userspace/buffer-format.rst): headers of
 * eight-digit hex fields, everything padded to 4 bytes. Times are zero and inode numbers count up, so equal entries
 * give equal bytes. Throws RangeError on a path that is empty, absolute, not ASCII or not unique.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const seen = new Set<string>();
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => {
    checkPath(entry.path, seen);
    parts.push(...cpioEntry(entry, index + 1));
  });
  parts.push(...cpioRecord({ ino: 0, mode: 0, links: 1, major: 0, minor: 0, path: "TRAILER!!!", data: new Uint8Array() }));
  const archive = Buffer.concat(parts);
  return Buffer.concat([archive, new Uint8Array((512 - (archive.length % 512)) % 512)]);
}

/** Whether an entry may have this name: relative, printable ASCII, and no way up. */
export function isInitrdPath(path: string): boolean {
  if (path.length > MAX_INITRD_PATH || !/^[\x21-\x7e]+$/.test(path)) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function checkPath(path: string, seen: Set<string>): void {
  if (!isInitrdPath(path)) throw new RangeError(`"${path}" is no path for an initrd`);
  if (seen.has(path)) throw new RangeError(`${path} is in the initrd twice`);
  seen.add(path);
}

function cpioEntry(entry: CpioEntry, ino: number): readonly Uint8Array[] {
  const device = entry.type === "device" ? entry : { major: 0, minor: 0 };
  return cpioRecord({
    ino,
    mode: TYPE_BITS[entry.type] | entry.mode,
    links: entry.type === "folder" ? 2 : 1,
    major: device.major,
    minor: device.minor,
    path: entry.path,
    data: entry.type === "file" ? entry.data : new Uint8Array(),
  });
}

interface CpioRecord {
  readonly ino: number;
  readonly mode: number;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
  readonly path: string;
  readonly data: Uint8Array;
}

function cpioRecord(r: CpioRecord): readonly Uint8Array[] {
  // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [r.ino, r.mode, 0, 0, r.links, 0, r.data.length, 0, 0, r.major, r.minor, r.path.length + 1, 0];
  const head = `070701${fields.map((n) => n.toString(16).padStart(8, "0").toUpperCase()).join("")}${r.path}\0`;
  return [Buffer.from(pad4(head), "latin1"), r.data, new Uint8Array((4 - (r.data.length % 4)) % 4)];
}

function pad4(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, "\0");
}
