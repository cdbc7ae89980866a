import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { encodeLock, type Lock, parseLock } from "../lock/lock.ts";
import { WANTS_FILE } from "../lock/wants.ts";
import { pack, unpack } from "./pack.ts";

/** Names beside a release's folder, under `out/<cluster>/rebuild`, of what it takes to build it again; the journal is hidden beside it, while a build runs. */
export function rebuildFiles(releaseDir: string): { readonly inputs: string; readonly signatures: string; readonly journal: string } {
  const [cluster, id] = [dirname(releaseDir), basename(releaseDir)];
  return { inputs: join(cluster, `rebuild/${id}.inputs.tar`), signatures: join(cluster, `rebuild/${id}.signatures.jsonl`), journal: join(cluster, `.signing-${id}.jsonl`) };
}

/** Names in the tar of inputs. */
const INPUTS = { spec: "spec.yaml", lock: "lock.json" } as const;
/** What a build reads beside a spec, where it is there: roles of the user's own, keys of third parties that he vouches for, a darksite's wants. */
const BESIDE = ["roles", "apt-keys", WANTS_FILE];

/** Packs a spec, what a build reads beside it, and the lock; an older file gives way when this one is whole. Throws ToolError. */
export async function writeInputs(file: string, specFile: string, lock: Lock, signal?: AbortSignal): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const tree = await mkdtemp(join(tmpdir(), "kubedos-inputs-"));
  try {
    await copyFile(specFile, join(tree, INPUTS.spec));
    await writeFile(join(tree, INPUTS.lock), encodeLock(lock));
    for (const name of BESIDE) {
      const source = join(dirname(specFile), name);
      if (existsSync(source)) await cp(source, join(tree, name), { recursive: true, verbatimSymlinks: true });
    }
    await pack(tree, [...Object.values(INPUTS), ...BESIDE], `${file}.new`, [], signal);
    await chmod(`${file}.new`, 0o644);
    await rename(`${file}.new`, file);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** Unpacks them into a folder that exists. Throws ToolError, LockError. */
export async function readInputs(file: string, dir: string, signal?: AbortSignal): Promise<{ readonly specFile: string; readonly lock: Lock }> {
  await unpack(file, dir, signal);
  const lockFile = join(dir, INPUTS.lock);
  return { specFile: join(dir, INPUTS.spec), lock: parseLock(await readFile(lockFile), lockFile) };
}
