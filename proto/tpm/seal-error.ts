/**
 * Why a secret can't be sealed or unsealed. `NOT_APPROVED`: nobody approved the machine's present PCRs (another image, Secure Boot off, a word
 * too many). `OTHER_TPM`: sealed by another TPM, or its owner's hierarchy was cleared. `NOT_BORN_HERE`: an object that an approved boot
 * didn't make, whoever did.
 */
export type SealErrorCode = "NOT_APPROVED" | "OTHER_TPM" | "NOT_BORN_HERE";

/** See {@link SealErrorCode}. */
export class SealError extends Error {
  readonly code: SealErrorCode;

  constructor(code: SealErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SealError";
    this.code = code;
  }
}
