import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { KEY_FILES } from "./files.ts";
import { withKeysLock } from "./keys-lock.ts";

/** New files of a rotation that is decided stand in a folder of this name until they are in their places. */
const DECIDED = ".rotated-";
/** What they replaced; private keys in it are encrypted as ever. */
export const RETIRED_DIR = "retired";

/**
 * Decides a rotation: renames the folder of its new files, all or none of which will be in their places. `name` says which
 * rotation it is, and names the folder under {@link RETIRED_DIR} for what they replace.
 */
export async function decideRotation(dir: string, staging: string, name: string): Promise<void> {
  await rename(staging, join(dir, `${DECIDED}${name}`));
  await syncFolder(dir);
}

/** Finishes a rotation that a power cut or a kill interrupted after it was decided; does nothing else. */
export async function finishRotation(dir: string): Promise<void> {
  if ((await decided(dir)).length === 0) return;
  await withKeysLock(dir, async () => await moveDecided(dir));
}

/** {@link finishRotation} for who holds the lock. Each step may be the last before a power cut. */
export async function moveDecided(dir: string): Promise<void> {
  for (const folder of await decided(dir)) {
    const retired = join(dir, RETIRED_DIR, folder.slice(DECIDED.length));
    await mkdir(retired, { recursive: true, mode: 0o700 });
    // The manifest ties all others together, so it comes last.
    const names = (await readdir(join(dir, folder))).sort((a, b) => Number(a === KEY_FILES.manifest) - Number(b === KEY_FILES.manifest));
    for (const name of names) {
      if (existsSync(join(dir, name)) && !existsSync(join(retired, name))) await rename(join(dir, name), join(retired, name));
      await rename(join(dir, folder, name), join(dir, name));
    }
    await rmdir(join(dir, folder));
  }
  await syncFolder(dir);
}

async function decided(dir: string): Promise<readonly string[]> {
  const names = await readdir(dir).catch(() => []);
  return names.filter((name) => name.startsWith(DECIDED)).sort();
}

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
