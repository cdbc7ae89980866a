import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { encodeLock, type Lock, parseLock } from "../lock/lock.ts";
import { WANTS_FILE } from "../lock/wants.ts";
import { pack, unpack } from "./pack.ts";

/** Names beside a release's folder, under `out/<cluster>/rebuild`, of what it takes to build it again. */
export function rebuildFiles(releaseDir: string): { readonly inputs: string; readonly signatures: string } {
  const stem = join(dirname(releaseDir), "rebuild", basename(releaseDir));
  return { inputs: `${stem}.inputs.tar`, signatures: `${stem}.signatures.jsonl` };
}

/** Names in the tar of inputs. */
const INPUTS = { spec: "spec.yaml", lock: "lock.json", roles: "roles" } as const;

/** Packs a spec, the roles and wants beside it, and the lock; an older file gives way when this one is whole. Throws ToolError. */
export async function writeInputs(file: string, specFile: string, lock: Lock, signal?: AbortSignal): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const work = await mkdtemp(join(dirname(file), ".making-"));
  try {
    const [tree, tar] = [join(work, "tree"), join(work, "inputs.tar")];
    await mkdir(tree);
    await copyFile(specFile, join(tree, INPUTS.spec));
    await writeFile(join(tree, INPUTS.lock), encodeLock(lock));
    for (const name of [INPUTS.roles, WANTS_FILE]) {
      const source = join(dirname(specFile), name);
      if (existsSync(source)) await cp(source, join(tree, name), { recursive: true, verbatimSymlinks: true });
    }
    await pack(tree, [...Object.values(INPUTS), WANTS_FILE], tar, [], signal);
    await rename(tar, file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Unpacks them into a folder that exists. Throws ToolError, LockError. */
export async function readInputs(file: string, dir: string, signal?: AbortSignal): Promise<{ readonly specFile: string; readonly lock: Lock }> {
  await unpack(file, dir, signal);
  const lockFile = join(dir, INPUTS.lock);
  return { specFile: join(dir, INPUTS.spec), lock: parseLock(await readFile(lockFile), lockFile) };
}
