import { fileURLToPath } from "node:url";
import { ensureCacheLock, lendToCache } from "../lock/cache-lock.ts";
import { type Lock, packagesOf } from "../lock/lock.ts";
import { makeLockedTree, treeInputs } from "../lock/locked-tree.ts";
import { cachedTree, cacheKey } from "./cached-tree.ts";
import type { Report } from "./report.ts";

/** The pinned tools: a Debian tree, entered by `runTool`. */
export interface Toolchain {
  /** Absolute path of the tree. */
  readonly tree: string;
  /** Its name in the cache: changes with every file that it was made of. */
  readonly key: string;
  /** What it was made from; base trees made with it come from the same. */
  readonly lock: Lock;
}

/** The cache beside the sources: `.cache` of the checkout. */
export const defaultCacheDir: string = fileURLToPath(new URL("../../.cache", import.meta.url));

/**
 * Finds or makes the toolchain; the first time takes about 40 s and the network. Without a lock it follows the cache's own, which is made
 * where there is none. Throws LockError or ToolError.
 */
export async function ensureToolchain(cacheDir: string, report: Report, signal?: AbortSignal, lock?: Lock): Promise<Toolchain> {
  const followed = lock ?? (await ensureCacheLock(cacheDir, [], report, signal));
  const key = cacheKey(treeInputs(followed, "toolchain"));
  const tree = await cachedTree(cacheDir, `toolchain-${key}`, async (out) => {
    report(`making the toolchain tree (${packagesOf(followed, "toolchain").length} Debian packages), once`);
    await makeLockedTree({ lock: followed, set: "toolchain", cacheDir, out, report, signal });
  });
  if (lock !== undefined) await lendToCache(cacheDir, lock);
  return { tree, key, lock: followed };
}
