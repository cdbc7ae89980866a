import type { MissingProgram } from "../../proto/release/release.ts";
import type { Lock } from "../lock/lock.ts";
import type { RoleDefinition } from "./role.ts";

/** What of a role an image made from a lock holds. */
export interface RoleInLock {
  readonly units: readonly string[];
  readonly accounts: RoleDefinition["accounts"];
  /** The programs that it doesn't hold, and why. */
  readonly missing: readonly MissingProgram[];
}

/** A role's third-party parts are in the image where they are in the lock, and missing where they aren't: a build vouches for nobody. */
export function roleInLock(role: RoleDefinition, lock: Lock): RoleInLock {
  const wanted = lock.sets.find((s) => s.name === `role/${role.name}`)?.wanted ?? [];
  const has = (part: RoleDefinition["thirdParty"][number]): boolean => part.packages.every((p) => wanted.includes(p));
  const there = role.thirdParty.filter(has);
  const absent = role.thirdParty.filter((part) => !has(part));
  return {
    units: [...role.units, ...there.flatMap((part) => part.units)],
    accounts: [...role.accounts, ...there.flatMap((part) => part.accounts)],
    missing: [...role.missing, ...absent.map(({ program, why, origin }) => ({ program, why: `${why}, and the lock was made without a key for ${origin.mirror} (apt-keys/${origin.name}.asc)` }))],
  };
}
