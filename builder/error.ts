import { NextStepError } from "./next-step-error.ts";

/** A build that can't go on. */
export class BuildError extends NextStepError<BuildErrorCode> {}

/** See {@link BuildError}. */
export type BuildErrorCode =
  | "USAGE"
  | "FILE_EXISTS"
  | "UNKNOWN_NODE"
  | "WRONG_CLUSTER"
  | "UNKNOWN_ROLE"
  | "MISSING_SOURCE"
  | "RELEASE_DIFFERS"
  | "INDEX_BROKEN"
  | "INDEX_SHORT"
  | "NO_RELEASE"
  | "VERIFY_REFUSED"
  | "TOO_LITTLE_MEMORY"
  | "ROLE_EXISTS"
  | "BAD_ORIGIN_KEY"
  | "UNKNOWN_UNIT"
  | "UNNUMBERED_ACCOUNT";
