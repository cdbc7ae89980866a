/** Modules that init may need to reach a root disk, each with what it depends on. */
export const INITRD_MODULES: readonly string[] = ["virtio_blk", "virtio_scsi", "sd_mod", "sha256-ssse3", "dm-verity", "erofs"];

/**
 * `modules.dep` and wanted names → paths (under the modules folder) in an order in which each comes after what it needs.
 * A line of modules.dep lists a module's dependencies so that the last must be loaded first. Throws on unknown names.
 */
export function moduleOrder(modulesDep: string, wanted: readonly string[]): readonly string[] {
  const needs = new Map<string, readonly string[]>();
  for (const line of modulesDep.split("\n")) {
    const [path, rest] = line.split(":", 2);
    if (path === undefined || rest === undefined) continue;
    needs.set(path, rest.trim() === "" ? [] : rest.trim().split(/\s+/));
  }
  const order = new Set<string>();
  for (const name of wanted) {
    const path = [...needs.keys()].find((p) => moduleName(p) === moduleName(name));
    if (path === undefined) throw new Error(`the kernel has no module ${name}`);
    for (const need of [...(needs.get(path) ?? [])].reverse()) order.add(need);
    order.add(path);
  }
  return [...order];
}

/** The kernel's name of a module: base name without `.ko*`, dashes as underscores. */
export function moduleName(path: string): string {
  const base = path.slice(path.lastIndexOf("/") + 1);
  return base.replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");
}
