/** Why a guest, its TPM or a talk with it failed. */
export type GuestErrorCode = "TIMEOUT" | "CLOSED" | "ABORTED" | "REFUSED" | "BAD_REPLY" | "TOO_LARGE" | "NOT_STARTED";

/** One sentence for people, one code for programs; the cause is kept. */
export class GuestError extends Error {
  readonly code: GuestErrorCode;

  constructor(code: GuestErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GuestError";
    this.code = code;
  }
}
