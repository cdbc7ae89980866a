import type { KeyObject } from "node:crypto";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { parseRelease, type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { BuildError } from "../error.ts";
import { RELEASE_FILES, ukiFile } from "./release-files.ts";

/** Reads and verifies `release.json` in a release's folder. Throws WireError or a file system's error. */
export async function readRelease(dir: string, releaseKeys: readonly KeyObject[]): Promise<Release> {
  const envelope = parseEnvelope(await readFile(join(dir, RELEASE_FILES.release)));
  return parseRelease(openEnvelope(RELEASE_TYPE, envelope, releaseKeys));
}

/** Compares the files of a release's folder with what its `release.json` says. Throws BuildError `RELEASE_DIFFERS`. */
export async function checkReleaseFiles(dir: string, release: Release): Promise<void> {
  for (const image of release.images) {
    const expected: readonly [string, string][] = [[image.disk.file, image.disk.sha256], [ukiFile(image.role), image.uki.sha256]];
    for (const [file, digest] of expected) {
      const found = await fileDigest(join(dir, file)).catch(() => "nothing that can be read");
      if (found !== digest) throw new BuildError("RELEASE_DIFFERS", `${join(dir, file)} is not the file that release.json names`, `move ${dir} away and build again`);
    }
  }
}

/** SHA-256 of a file, hex. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}
