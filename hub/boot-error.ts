/**
 * Why the hub doesn't start, or takes no new delivery. `FLOOR_UNREADABLE`: the TPM doesn't say which release generation was
 * the highest, so no older one can be told from a newer one.
 */
export type BootErrorCode = "BAD_DELIVERY" | "WRONG_ISSUER" | "ROLLED_BACK" | "FLOOR_UNREADABLE" | "STOPPED";

/** A step of the hub's boot that failed; the hub then hands out nothing. */
export class BootError extends Error {
  readonly code: BootErrorCode;

  constructor(code: BootErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BootError";
    this.code = code;
  }
}
