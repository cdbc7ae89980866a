import type { RoleDefinition } from "../roles/role.ts";
import { BASE_PACKAGES } from "../rootfs/packages.ts";
import { TOOLCHAIN_PACKAGES } from "../toolchain/packages.ts";
import { describeSet } from "./describe.ts";
import { LockError } from "./error.ts";
import type { Lock, LockedSet } from "./lock.ts";

/** The lists that a lock must have resolved, so that images of these roles can be built from it. */
export function wantedSets(roles: readonly Pick<RoleDefinition, "name" | "packages">[]): readonly LockedSet[] {
  return [
    { name: "base", wanted: [...BASE_PACKAGES].sort() },
    ...roles.map((role) => ({ name: `role/${role.name}`, wanted: [...role.packages].sort() })),
    { name: "toolchain", wanted: [...TOOLCHAIN_PACKAGES].sort() },
  ];
}

/** Whether a lock has what these lists want. Throws LockError `LOCK_STALE` that names the list and the package; `next` is for the caller. */
export function checkLockFits(lock: Lock, sets: readonly LockedSet[], next: string): void {
  for (const { name, wanted } of sets) {
    const locked = lock.sets.find((s) => s.name === name);
    if (locked === undefined) throw new LockError("LOCK_STALE", `the lock doesn't know ${describeSet(name)}`, next);
    const added = wanted.find((p) => !locked.wanted.includes(p));
    if (added !== undefined) throw new LockError("LOCK_STALE", `${describeSet(name)} wants package ${added}, which the lock was not made for`, next);
    const dropped = locked.wanted.find((p) => !wanted.includes(p));
    if (dropped !== undefined) throw new LockError("LOCK_STALE", `the lock holds ${dropped} for ${describeSet(name)}, which no longer wants it`, next);
  }
}
