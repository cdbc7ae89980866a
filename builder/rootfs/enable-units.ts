import { existsSync } from "node:fs";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ADMITTED_TARGET } from "../../proto/release/admitted-target.ts";
import { BuildError } from "../error.ts";

const UNITS = "/usr/lib/systemd/system";
const OWN = "/etc/systemd/system";

/** What {@link enableUnits} adds to a tree: a link, or a file's text. Paths are absolute in the tree. */
export type UnitEntry = { readonly path: string; readonly link: string } | { readonly path: string; readonly text: string };

/** The entries that bind a unit to {@link ADMITTED_TARGET}; `has` says whether the tree holds a path. Undefined: it doesn't hold the unit. */
export function unitEntries(unit: string, has: (path: string) => boolean): readonly UnitEntry[] | undefined {
  const found = [UNITS, OWN].find((dir) => has(`${dir}/${unit}`));
  if (found === undefined) return undefined;
  return [
    { path: `${OWN}/${ADMITTED_TARGET}.wants/${unit}`, link: `${found}/${unit}` },
    { path: `${OWN}/${unit}.d/40-kubedos-admitted.conf`, text: `[Unit]\nRequisite=${ADMITTED_TARGET}\nAfter=${ADMITTED_TARGET}\nPartOf=${ADMITTED_TARGET}\n` },
  ];
}

/**
 * Binds units to {@link ADMITTED_TARGET}: it starts them, they stop with it, and whatever else pulls one in fails while the node isn't
 * admitted. Throws BuildError `UNKNOWN_UNIT` for one that the tree doesn't hold.
 */
export async function enableUnits(tree: string, units: readonly string[], role: string): Promise<void> {
  for (const unit of [...units].sort()) {
    const entries = unitEntries(unit, (path) => existsSync(join(tree, path)));
    if (entries === undefined) throw new BuildError("UNKNOWN_UNIT", `role "${role}" wants unit ${unit}, which neither its packages nor its overlay bring`);
    for (const entry of entries) {
      const file = join(tree, entry.path);
      await makeFolder(dirname(file));
      if ("link" in entry) await symlink(entry.link, file);
      else {
        await writeFile(file, entry.text);
        await chmod(file, 0o644);
      }
    }
  }
}

async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return;
  await mkdir(path);
  await chmod(path, 0o755);
}
