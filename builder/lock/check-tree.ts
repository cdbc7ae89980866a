import { describeSet } from "./describe.ts";
import { LockError } from "./error.ts";
import type { LockedPackage } from "./lock.ts";
import { readStanzas } from "./stanzas.ts";

/**
 * Whether a tree's dpkg status lists a set's packages: nothing more, nothing less, nothing else, and all of it whole.
 * Throws LockError `TREE_DIFFERS`.
 */
export function checkTree(status: string, set: string, packages: readonly LockedPackage[]): void {
  const stanzas = [...readStanzas(status, ["Package", "Version", "Architecture", "Status"])];
  const found = stanzas.map((s) => `${s.get("Package")} ${s.get("Version")} ${s.get("Architecture")}: ${s.get("Status")}`);
  const expected = packages.map((p) => `${p.name} ${p.version} ${p.architecture}: install ok installed`);
  const less = packages.find((p) => !stanzas.some((s) => s.get("Package") === p.name));
  if (less !== undefined) throw new LockError("TREE_DIFFERS", `${describeSet(set)} came out without ${less.name} ${less.version}`);
  const other = found.find((line, i) => !expected.includes(line) || found.indexOf(line) !== i);
  if (other !== undefined) throw new LockError("TREE_DIFFERS", `${describeSet(set)} came out with ${other}, which the lock doesn't say`);
}
