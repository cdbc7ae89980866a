/**
 * Why a key directory can't be made, opened or changed: something is there already; nothing is there; wrong or poor passphrase;
 * files don't belong together; others may read them; another process changes it; a rotation would leave a cluster behind;
 * a token didn't do what was asked of it.
 */
export const KEYS_ERROR_CODES = ["EXISTS", "NOT_FOUND", "WRONG_PASSPHRASE", "POOR_PASSPHRASE", "DAMAGED", "READABLE_BY_OTHERS", "IN_USE", "STRANDS_CLUSTER", "TOKEN_FAILED"] as const;

/** See {@link KEYS_ERROR_CODES}. */
export type KeysErrorCode = (typeof KEYS_ERROR_CODES)[number];

/** A key directory that can't be made, opened or changed. The code is fixed, the message one sentence. */
export class KeysError extends Error {
  readonly code: KeysErrorCode;

  constructor(code: KeysErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "KeysError";
    this.code = code;
  }
}
