/**
 * Bytes from outside that don't have the promised shape. `code` is fixed for machines; the message is one sentence.
 * Thrown by every parser under `proto/`; callers add their own layer with `cause`.
 */
export class WireError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WireError";
    this.code = code;
  }
}

/** Why foreign bytes were refused: too short, bytes left over, a value outside its domain, or over a limit. */
export type WireErrorCode = "TRUNCATED" | "TRAILING_BYTES" | "BAD_VALUE" | "TOO_LARGE";
