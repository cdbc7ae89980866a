import { describeLocked } from "./describe.ts";
import { LockError } from "./error.ts";
import type { LockedPackage } from "./lock.ts";
import { readStanzas } from "./stanzas.ts";

/** A locked package and the control file in its .deb. */
export interface LockedControl {
  readonly locked: LockedPackage;
  readonly control: string;
}

/**
 * Whether these packages bring everything that they depend on and that isn't in `installed` (a dpkg status), by name; dpkg itself looks at versions. A lock that apt resolved
 * always does, so this finds what was taken out of one. Throws LockError `BAD_LOCK` that names both packages.
 */
export function checkClosure(packages: readonly LockedControl[], installed = ""): void {
  const fields = packages.map(({ control }) => [...readStanzas(control, ["Depends", "Pre-Depends", "Provides"])][0]);
  const before = [...readStanzas(installed, ["Package", "Provides"])];
  const names = [...packages.map((p) => p.locked.name), ...before.map((f) => f.get("Package") ?? "")];
  const there = new Set([...names, ...[...fields, ...before].flatMap((f) => clauses(f?.get("Provides")).map(nameOf))]);
  packages.forEach(({ locked }, i) => {
    const needed = [...clauses(fields[i]?.get("Pre-Depends")), ...clauses(fields[i]?.get("Depends"))];
    const gap = needed.find((clause) => !clause.split("|").some((alternative) => there.has(nameOf(alternative))));
    if (gap !== undefined) throw new LockError("BAD_LOCK", `${describeLocked(locked)} needs ${gap}, which the lock doesn't hold`, "kubedos-build lock SPEC -o LOCK --update");
  });
}

function clauses(field = ""): readonly string[] {
  return field.split(",").map((clause) => clause.replace(/\s+/g, " ").trim()).filter((clause) => clause !== "");
}

/** "libc6:any (>= 2.34)" → "libc6". */
function nameOf(relation: string): string {
  return relation.trim().split(/[\s:(]/)[0] ?? "";
}
