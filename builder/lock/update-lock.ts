import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describeChange, diffLocks, type LockChange } from "./diff-locks.ts";
import { LockError } from "./error.ts";
import { type Lock, parseLock } from "./lock.ts";
import { writeLock } from "./write-lock.ts";

/** A lock file to be made, compared or replaced. */
export interface UpdateRequest {
  readonly file: string;
  /** Replace one that would say something else. */
  readonly update: boolean;
  /** Makes the lock of today; it is told what the file said before. */
  readonly resolve: (old: Lock | undefined) => Promise<Lock>;
  /** The command that would replace it, for people. */
  readonly next: string;
}

/** What became of the file. */
export interface UpdateResult {
  readonly lock: Lock;
  readonly outcome: "made" | "unchanged" | "updated";
  readonly changes: readonly LockChange[];
}

const NAMED = 8;

/** Resolves anew and makes the file, or compares it; without `update` one that differs is left. Throws LockError `LOCK_DIFFERS`, `BAD_LOCK`, and more. */
export async function updateLock({ file, update, resolve, next }: UpdateRequest): Promise<UpdateResult> {
  const old = existsSync(file) ? parseLock(await readFile(file), file) : undefined;
  const lock = await resolve(old);
  const changes = old === undefined ? [] : diffLocks(old, lock);
  if (old !== undefined && changes.length === 0) return { lock, outcome: "unchanged", changes };
  if (old !== undefined && !update) {
    const named = changes.slice(0, NAMED).map((change) => `\n  ${describeChange(change)}`).join("");
    const more = changes.length > NAMED ? `\n  and ${changes.length - NAMED} more` : "";
    throw new LockError("LOCK_DIFFERS", `${file} was left as it is; a lock of today would say something else:${named}${more}`, next);
  }
  await writeLock(file, lock);
  return { lock, outcome: old === undefined ? "made" : "updated", changes };
}
