/** A file that is no PE image we take. */
export class PeError extends Error {
  readonly code: PeErrorCode;

  constructor(code: PeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PeError";
    this.code = code;
  }
}

/** Why: no PE32+ for x86-64, cut short, sections that overlap or lie outside, or a signature where none may be; `UNKNOWN_STUB`: what its stub measures isn't known. */
export type PeErrorCode = "NOT_PE" | "TRUNCATED" | "BAD_SECTION" | "BAD_LAYOUT" | "SIGNED" | "NO_SPACE" | "UNKNOWN_STUB";
