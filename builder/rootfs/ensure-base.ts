import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { distro } from "../distro/current.ts";
import { packagesOf } from "../lock/lock.ts";
import { makeLockedTree, treeInputs } from "../lock/locked-tree.ts";
import { cachedTree, cacheKey } from "../toolchain/cached-tree.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { kernelRelease, prepareModules } from "./kernel-modules.ts";
import { trimTree } from "./trim-tree.ts";

/** What every role's tree starts from: packages unpacked, trimmed, modules unpacked; nothing of ours yet. */
export interface BaseTree {
  /** Absolute path of the root tree. */
  readonly tree: string;
  /** The kernel image beside it (the tree's /boot is empty). */
  readonly kernel: string;
  /** `uname -r` of that kernel. */
  readonly kernelRelease: string;
  /** Changes with the inputs. */
  readonly key: string;
}

// Raise it when the code that shapes a base tree changes without a change to the lists.
const RECIPE = 2;

/** Finds or makes the base tree from the toolchain's lock; the first time takes about 40 s, and the network where the cache lacks a package. Throws LockError or ToolError. */
export async function ensureBase(cacheDir: string, tc: Toolchain, report: Report, signal?: AbortSignal): Promise<BaseTree> {
  const key = cacheKey([RECIPE, treeInputs(tc.lock, "base"), distro.trimmed, distro.droppedModules]);
  const path = await cachedTree(cacheDir, `base-${key}`, async (out) => {
    report(`making the base tree (${packagesOf(tc.lock, "base").length} Debian packages), once`);
    await mkdir(out, { recursive: true });
    const root = join(out, "root");
    await makeLockedTree({ lock: tc.lock, set: "base", cacheDir, out: root, report, signal });
    const release = await kernelRelease(root);
    await copyFile(join(root, "boot", `vmlinuz-${release}`), join(out, "vmlinuz"));
    report("trimming the base tree and unpacking its kernel modules");
    await trimTree(root);
    await prepareModules(tc, root);
  });
  const tree = join(path, "root");
  return { tree, kernel: join(path, "vmlinuz"), kernelRelease: await kernelRelease(tree), key };
}
