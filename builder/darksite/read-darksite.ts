import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { type Darksite, DARKSITE_TYPE, parseDarksite } from "../../proto/release/darksite.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { WireError } from "../../proto/wire/error.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { DarksiteError } from "./error.ts";
import { type ListedFile, parseFileList } from "./file-list.ts";
import { DARKSITE } from "./paths.ts";

const AGAIN = "kubedos-build darksite SPEC --lock LOCK -o DIR goes on where it was";

/** A list of files, and its bytes. */
export interface FileListing {
  readonly files: readonly ListedFile[];
  readonly bytes: Uint8Array;
}

/** Reads a darksite's list of files. Throws DarksiteError `DARKSITE_UNFINISHED` or `DARKSITE_DIFFERS`. */
export async function readDarksite(dir: string, name: string = DARKSITE.list): Promise<FileListing> {
  const path = join(dir, name);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw cause;
    throw new DarksiteError("DARKSITE_UNFINISHED", `${dir} has no ${name}: it is no darksite, or not finished`, AGAIN, { cause });
  });
  return { files: parseFileList(bytes, path), bytes };
}

/** Whether the release key signed this list. Throws DarksiteError `DARKSITE_UNSIGNED` or `DARKSITE_FORGED`. */
export async function checkSignature(dir: string, list: Uint8Array, releaseKey: KeyObject): Promise<Darksite> {
  const path = join(dir, DARKSITE.signature);
  const signature = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw cause;
    throw new DarksiteError("DARKSITE_UNSIGNED", `${dir} was made without keys, so nobody vouches for it`, "kubedos-build darksite SPEC --lock LOCK -o DIR --keys KEYS signs it", { cause });
  });
  let said: Darksite;
  try {
    said = parseDarksite(openEnvelope(DARKSITE_TYPE, parseEnvelope(signature), [releaseKey]));
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new DarksiteError("DARKSITE_FORGED", `${path} is no signature of these keys: ${cause.message}`, "", { cause });
  }
  if (said.list.sha256 === toHex(sha256(list))) return said;
  throw new DarksiteError("DARKSITE_FORGED", `${path} is for another list of files than ${join(dir, DARKSITE.list)}`);
}
