import { NextStepError } from "../next-step-error.ts";

/** A lock that can't be made, read or followed. */
export class LockError extends NextStepError<LockErrorCode> {}

/**
 * BAD_LOCK: the file is no lock. LOCK_STALE: it was made for other lists of packages. LOCK_DIFFERS: a new one would say something
 * else. NO_SUCH_PACKAGE: the archive has no package of that name. UNRESOLVABLE: apt finds no set that fits. ARCHIVE_UNREACHABLE,
 * ARCHIVE_UNVERIFIED: its signed index could not be had, or not be believed. DEB_GONE: in the lock, but no longer on the mirror and
 * not in the cache. DEB_UNREACHABLE: not in the cache, and the mirror can't be asked. DEB_DIFFERS: its bytes aren't those of the lock.
 * TREE_DIFFERS: the tree made from it holds something else. BAD_WANTS: a role wants a file that nobody says where to get.
 */
export type LockErrorCode =
  | "BAD_LOCK"
  | "LOCK_STALE"
  | "LOCK_DIFFERS"
  | "NO_SUCH_PACKAGE"
  | "UNRESOLVABLE"
  | "ARCHIVE_UNREACHABLE"
  | "ARCHIVE_UNVERIFIED"
  | "DEB_GONE"
  | "DEB_UNREACHABLE"
  | "DEB_DIFFERS"
  | "TREE_DIFFERS"
  | "BAD_WANTS";
