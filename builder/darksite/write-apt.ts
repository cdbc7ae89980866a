import { join } from "node:path";
import { utf8 } from "../../proto/wire/bytes.ts";
import { makeSigningKey } from "../lock/signing-key.ts";
import { releaseText } from "../lock/write-repository.ts";
import { mapLimited } from "../release/map-limited.ts";
import { distro } from "../distro/current.ts";
import { runHost } from "../toolchain/run-host.ts";
import type { ListedFile } from "./file-list.ts";
import { DARKSITE } from "./paths.ts";
import { writeWhole } from "./write-whole.ts";

const READERS = 4;
const INDEX = "main/binary-amd64/Packages";
/** Where the indexes of the repository are; what a list of files was made from stands in the list. */
export const APT_INDEXES: readonly string[] = [`apt/dists/${distro.suite}/${INDEX}`, `apt/dists/${distro.suite}/InRelease`, DARKSITE.aptCertificate];

/**
 * Writes the indexes of a darksite's APT repository over these files of its pool, and an InRelease signed by a key that is made here
 * and forgotten: whoever trusts the list of files trusts its certificate. `time`: seconds since 1970. Throws ToolError.
 */
export async function writeApt(dir: string, pool: readonly ListedFile[], time: number, signal?: AbortSignal): Promise<void> {
  const stanzas = await mapLimited(pool, READERS, async ({ path, size, sha256 }) => {
    const { stdout } = await runHost(["dpkg-deb", "--field", join(dir, path)], signal === undefined ? {} : { signal });
    return `${stdout.trimEnd()}\nFilename: ${path.slice("apt/".length)}\nSize: ${size}\nSHA256: ${sha256}\n`;
  });
  const index = utf8(stanzas.join("\n"));
  const key = await makeSigningKey("kubedos darksite", time);
  const inRelease = await key.clearSign(`${releaseText(distro.suite, [[INDEX, index]], time)}Components: main\n`);
  const [indexFile = "", inReleaseFile = "", certificate = ""] = APT_INDEXES;
  await writeWhole(dir, indexFile, index);
  await writeWhole(dir, inReleaseFile, utf8(inRelease));
  await writeWhole(dir, certificate, key.certificate);
}
