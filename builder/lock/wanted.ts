import { distro } from "../distro/current.ts";
import { describeSet } from "./describe.ts";
import { LockError } from "./error.ts";
import type { Lock, LockedSet } from "./lock.ts";
import type { LockedRole } from "./resolve-lock.ts";

/** A list that a lock must have resolved. */
export interface WantedSet extends LockedSet {
  /** Groups of packages that it may have resolved as well, whole: parts of third parties, whose keys not everybody has. */
  readonly parts?: readonly (readonly string[])[];
}

/** The lists that a lock must have resolved, so that images of these roles can be built from it. */
export function wantedSets(roles: readonly LockedRole[]): readonly WantedSet[] {
  return [
    { name: "base", wanted: [...distro.basePackages].sort() },
    ...roles.map((role) => ({ name: `role/${role.name}`, wanted: [...role.packages].sort(), parts: (role.thirdParty ?? []).map((part) => part.packages) })),
    { name: "toolchain", wanted: [...distro.toolchainPackages].sort() },
  ];
}

/** Whether a lock has what these lists want. Throws LockError `LOCK_STALE` that names the list and the package; `next` is for the caller. */
export function checkLockFits(lock: Lock, sets: readonly WantedSet[], next: string): void {
  for (const { name, wanted, parts = [] } of sets) {
    const locked = lock.sets.find((s) => s.name === name);
    if (locked === undefined) throw new LockError("LOCK_STALE", `the lock doesn't know ${describeSet(name)}`, next);
    const begun = parts.filter((part) => part.some((p) => locked.wanted.includes(p)));
    const whole = [...wanted, ...begun.flat()];
    const added = whole.find((p) => !locked.wanted.includes(p));
    if (added !== undefined) throw new LockError("LOCK_STALE", `${describeSet(name)} wants package ${added}, which the lock was not made for`, next);
    const dropped = locked.wanted.find((p) => !whole.includes(p));
    if (dropped !== undefined) throw new LockError("LOCK_STALE", `the lock holds ${dropped} for ${describeSet(name)}, which no longer wants it`, next);
  }
}
