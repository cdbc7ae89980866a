/** A build that can't go on. The code is fixed, the message one sentence; `next` is a command or a step that helps. */
export class BuildError extends Error {
  readonly code: BuildErrorCode;
  readonly next: string;

  constructor(code: BuildErrorCode, message: string, next = "", options?: ErrorOptions) {
    super(message, options);
    this.name = "BuildError";
    this.code = code;
    this.next = next;
  }
}

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
