import { link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { mapLimited } from "../release/map-limited.ts";
import { runHost } from "../toolchain/run-host.ts";
import { checkClosure, type LockedControl } from "./check-closure.ts";
import { describeLocked } from "./describe.ts";
import { LockError } from "./error.ts";
import type { LockedPackage } from "./lock.ts";
import { makeSigningKey } from "./signing-key.ts";
import { readStanzas } from "./stanzas.ts";

/** A file of a repository and the package that it is in a lock. */
export interface PoolFile {
  readonly locked: LockedPackage;
  /** Absolute path, on the same file system as the repository. */
  readonly path: string;
}

/** See {@link writeRepository}. */
export interface RepositoryOptions {
  /** The dpkg status of the tree for which it is made: what is there needn't be in the repository. */
  readonly installed?: string;
  readonly signal?: AbortSignal | undefined;
}

/** 2025-01-01T00:00:00Z: what repositories of ours say for their date. Any past time would do; a fixed one keeps them equal. */
const REPOSITORY_TIME = 1_735_689_600;
const READERS = 4;

/**
 * Makes an APT repository in a folder that does not exist: a pool of links to these files, an index from what is in them, and an
 * InRelease signed by a key that is made here and forgotten. Gives the keyring's path. Throws LockError `DEB_DIFFERS` where a file
 * is another package than its line in the lock says, `BAD_LOCK` where something is missing that one of them needs, and ToolError.
 */
export async function writeRepository(dir: string, suite: string, files: readonly PoolFile[], options: RepositoryOptions = {}): Promise<string> {
  const { signal, installed } = options;
  await mkdir(join(dir, "pool"), { recursive: true });
  const packages = await mapLimited(files, READERS, async ({ locked, path }): Promise<LockedControl> => {
    await link(path, join(dir, poolName(locked)));
    const { stdout } = await runHost(["dpkg-deb", "--field", path], signal === undefined ? {} : { signal });
    return { locked, control: stdout };
  });
  const index = utf8(packages.map(({ locked, control }) => indexStanza(locked, control, poolName(locked))).join("\n"));
  checkClosure(packages, installed);
  await writeFile(join(dir, "Packages"), index);
  const key = await makeSigningKey("kubedos repository of one build", REPOSITORY_TIME);
  await writeFile(join(dir, "InRelease"), await key.clearSign(releaseText(suite, [["Packages", index]])));
  const keyring = join(dir, "keyring.gpg");
  await writeFile(keyring, key.certificate);
  return keyring;
}

function poolName(locked: LockedPackage): string {
  return `pool/${locked.sha256}.deb`;
}

/** A .deb's own control file and what an index adds to it. */
export function indexStanza(locked: LockedPackage, control: string, path: string): string {
  const [own] = readStanzas(control, ["Package", "Version", "Architecture"]);
  const says = ["Package", "Version", "Architecture"].map((name) => own?.get(name) ?? "?").join(" ");
  const expected = `${locked.name} ${locked.version} ${locked.architecture}`;
  if (says !== expected) throw new LockError("DEB_DIFFERS", `the file of ${describeLocked(locked)} says that it is ${says}`, "kubedos-build lock SPEC -o LOCK --update");
  return `${control.trimEnd()}\nFilename: ${path}\nSize: ${locked.size}\nSHA256: ${locked.sha256}\n`;
}

/** The text of a Release file (apt-secure(8)) over these indexes; `time` in seconds. */
export function releaseText(suite: string, indexes: readonly (readonly [string, Uint8Array])[], time: number = REPOSITORY_TIME): string {
  const sums = indexes.map(([name, data]) => ` ${toHex(sha256(data))} ${data.length} ${name}`);
  const date = new Date(time * 1000).toUTCString().replace("GMT", "UTC");
  return [`Origin: kubedos`, `Suite: ${suite}`, `Codename: ${suite}`, `Date: ${date}`, `Architectures: amd64`, `SHA256:`, ...sums, ""].join("\n");
}
