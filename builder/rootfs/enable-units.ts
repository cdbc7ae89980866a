import { existsSync } from "node:fs";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADMITTED_TARGET } from "../../proto/release/admitted-target.ts";
import { BuildError } from "../error.ts";

const UNITS = "usr/lib/systemd/system";
const OWN = "etc/systemd/system";

/**
 * Binds units to {@link ADMITTED_TARGET}: it starts them, they stop with it, and whatever else pulls one in fails while the node isn't
 * admitted. Throws BuildError `UNKNOWN_UNIT` for one that the tree doesn't hold.
 */
export async function enableUnits(tree: string, units: readonly string[], role: string): Promise<void> {
  for (const unit of [...units].sort()) {
    const found = [UNITS, OWN].find((dir) => existsSync(join(tree, dir, unit)));
    if (found === undefined) throw new BuildError("UNKNOWN_UNIT", `role "${role}" wants unit ${unit}, which neither its packages nor its overlay bring`);
    await makeFolder(tree, `${OWN}/${ADMITTED_TARGET}.wants`);
    await symlink(`/${found}/${unit}`, join(tree, OWN, `${ADMITTED_TARGET}.wants`, unit));
    await makeFolder(tree, `${OWN}/${unit}.d`);
    const file = join(tree, OWN, `${unit}.d`, "40-kubedos-admitted.conf");
    await writeFile(file, `[Unit]\nRequisite=${ADMITTED_TARGET}\nAfter=${ADMITTED_TARGET}\nPartOf=${ADMITTED_TARGET}\n`);
    await chmod(file, 0o644);
  }
}

async function makeFolder(tree: string, path: string): Promise<void> {
  const full = join(tree, path);
  if (existsSync(full)) return;
  await mkdir(full);
  await chmod(full, 0o755);
}
