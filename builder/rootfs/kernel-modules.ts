import { glob, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { distro } from "../distro/current.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";

/** The one kernel release of a tree. Throws when there are more or none. */
export async function kernelRelease(tree: string): Promise<string> {
  const found = await readdir(join(tree, "usr/lib/modules"));
  const [release] = found;
  if (release === undefined || found.length !== 1) throw new Error(`expected one kernel in ${tree}, found ${found.length}`);
  return release;
}

/** Drops modules, unpacks the rest (.ko.xz under TCG costs 2 s of boot) and writes modules.dep anew. Throws ToolError. */
export async function prepareModules(tc: Toolchain, tree: string): Promise<void> {
  const release = await kernelRelease(tree);
  const dir = join(tree, "usr/lib/modules", release);
  for (const path of distro.droppedModules) await rm(join(dir, "kernel", path), { recursive: true, force: true });
  const packed: string[] = [];
  for await (const path of glob("kernel/**/*.ko.xz", { cwd: dir })) packed.push(path);
  packed.sort();
  for (let at = 0; at < packed.length; at += 500) {
    await runTool(tc, ["xz", "--decompress", "--threads=2", ...packed.slice(at, at + 500)], { binds: [dir], cwd: dir });
  }
  await runTool(tc, ["depmod", "--basedir", join(tree, "usr"), release], { binds: [tree] });
}
