import { chmod, glob, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { distro } from "../distro/current.ts";

/** Programs that would give more rights than their caller has: nobody logs in, so nothing needs them. */
const SETUID = ["usr/bin/*", "usr/sbin/*", "usr/lib/*/*"];

/** Removes what the distribution trims and every setuid bit; leaves the mount points and an empty machine-id. */
export async function trimTree(tree: string): Promise<void> {
  for (const pattern of distro.trimmed) {
    for await (const path of glob(pattern, { cwd: tree })) await rm(join(tree, path), { recursive: true, force: true });
  }
  for (const pattern of SETUID) {
    for await (const path of glob(pattern, { cwd: tree })) {
      const found = await lstat(join(tree, path));
      if (found.isFile() && (found.mode & 0o6000) !== 0) await chmod(join(tree, path), found.mode & 0o1777);
    }
  }
  for (const dir of ["boot", "dev", "proc", "run", "sys", "tmp", "var", "root"]) {
    await mkdir(join(tree, dir), { recursive: true });
  }
  // Empty, not absent: systemd then mounts a fresh one over it, and does not take this for a first boot.
  await writeFile(join(tree, "etc/machine-id"), "");
}
