import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readRoles } from "../roles/read-roles.ts";
import type { RoleDefinition } from "../roles/role.ts";
import type { Report } from "../toolchain/report.ts";
import { LockError } from "./error.ts";
import { type Lock, parseLock } from "./lock.ts";
import { makeLock } from "./make-lock.ts";
import { checkLockFits, wantedSets } from "./wanted.ts";
import { writeLock } from "./write-lock.ts";

/** The cache's own lock: what is used where nobody names one, as by tests and targets that only need the tools. */
export function cacheLockFile(cacheDir: string): string {
  return join(cacheDir, "lock.json");
}

/** The cache's own lock, made for all roles and these where there is none that fits `roles`. Throws LockError or ToolError. */
export async function ensureCacheLock(cacheDir: string, roles: readonly RoleDefinition[], report: Report, signal?: AbortSignal): Promise<Lock> {
  const file = cacheLockFile(cacheDir);
  const known = await readFitting(file, roles);
  if (known !== undefined) return known;
  const shipped = (await readRoles()).filter((role) => !roles.some((r) => r.name === role.name));
  const lock = await makeLock([...shipped, ...roles], report, signal);
  await mkdir(cacheDir, { recursive: true });
  await writeLock(file, lock);
  return lock;
}

/** A cache that has none of its own takes this one, so that its tools are there for whoever comes next, without a network. */
export async function lendToCache(cacheDir: string, lock: Lock): Promise<void> {
  const file = cacheLockFile(cacheDir);
  if ((await readFitting(file, [])) === undefined) await writeLock(file, lock);
}

async function readFitting(file: string, roles: readonly RoleDefinition[]): Promise<Lock | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    const lock = parseLock(await readFile(file), file);
    checkLockFits(lock, wantedSets(roles), "");
    return lock;
  } catch (cause) {
    // Nobody asked for these very versions, so a lock of another age is no fault.
    if (cause instanceof LockError) return undefined;
    throw cause;
  }
}
