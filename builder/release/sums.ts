import { utf8 } from "../../proto/wire/bytes.ts";
import { WireError } from "../../proto/wire/error.ts";

/** SHA-256 in hex by path under a folder, in byte order of the paths. */
export type Sums = ReadonlyMap<string, string>;

const MAX_BYTES = 1024 * 1024;
const PATH = /^(?!.*(^|\/)\.)[0-9A-Za-z_.-]+(\/[0-9A-Za-z_.-]+){0,7}$/;

/** The text that `sha256sum -c` takes. */
export function encodeSums(sums: Sums): Uint8Array {
  return utf8([...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, digest]) => `${digest}  ${path}\n`).join(""));
}

/** The bytes of such a file, which must be the one encoding of what they say. Throws WireError. */
export function parseSums(data: Uint8Array): Sums {
  if (data.length > MAX_BYTES) throw new WireError("TOO_LARGE", `a list of checksums of ${data.length} bytes, at most ${MAX_BYTES} are read`);
  const sums = new Map<string, string>();
  for (const line of Buffer.from(data).toString("latin1").split("\n").slice(0, -1)) {
    const [, digest = "", path = ""] = /^([0-9a-f]{64}) {2}(.{1,256})$/.exec(line) ?? [];
    if (!PATH.test(path)) throw new WireError("BAD_VALUE", "a line of the checksums is no digest and path");
    sums.set(path, digest);
  }
  if (sums.size === 0 || Buffer.compare(encodeSums(sums), data) !== 0) throw new WireError("BAD_VALUE", "the checksums are not in the form in which they are written");
  return sums;
}
