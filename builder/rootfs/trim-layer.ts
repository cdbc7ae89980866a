import { glob, lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { distro } from "../distro/current.ts";

/** Removes what a role's packages would have run by itself and the base tree doesn't hold: what starts on a node is what its role's `units` say. */
export async function trimLayer(base: string, tree: string): Promise<void> {
  for (const pattern of distro.selfStarting) {
    for await (const path of glob(pattern, { cwd: tree })) {
      if ((await lstat(join(base, path)).catch(() => undefined)) === undefined) await rm(join(tree, path), { recursive: true, force: true });
    }
  }
}
