/** A key directory that can't be made or opened. The code is fixed, the message one sentence. */
export class KeysError extends Error {
  readonly code: KeysErrorCode;

  constructor(code: KeysErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "KeysError";
    this.code = code;
  }
}

/** Something is there already; nothing is there; wrong or poor passphrase; files don't belong together; others may read them. */
export type KeysErrorCode = "EXISTS" | "NOT_FOUND" | "WRONG_PASSPHRASE" | "POOR_PASSPHRASE" | "DAMAGED" | "READABLE_BY_OTHERS";
