import { fileURLToPath } from "node:url";
import { bootstrapArgv, bootstrapTree } from "./bootstrap-tree.ts";
import { cachedTree, cacheKey } from "./cached-tree.ts";
import { TOOLCHAIN_PACKAGES } from "./packages.ts";
import type { Report } from "./report.ts";

/** The pinned tools: a Debian tree, entered by `runTool`. */
export interface Toolchain {
  /** Absolute path of the tree. */
  readonly tree: string;
  /** Its name in the cache: changes with the package list. */
  readonly key: string;
}

/** The cache beside the sources: `.cache` of the checkout. */
export const defaultCacheDir: string = fileURLToPath(new URL("../../.cache", import.meta.url));

/** Finds or makes the toolchain; the first time takes about 40 s and the network. Throws ToolError. */
export async function ensureToolchain(cacheDir: string, report: Report, signal?: AbortSignal): Promise<Toolchain> {
  const key = cacheKey(bootstrapArgv({ packages: TOOLCHAIN_PACKAGES, out: "" }));
  const tree = await cachedTree(cacheDir, `toolchain-${key}`, async (out) => {
    report(`making the toolchain tree (${TOOLCHAIN_PACKAGES.length} Debian packages and what they need), once`);
    await bootstrapTree({ packages: TOOLCHAIN_PACKAGES, out, ...(signal === undefined ? {} : { signal }) });
  });
  return { tree, key };
}
