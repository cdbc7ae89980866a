/**
 * Why a signer says no. NOT_OPEN: it was started for other purposes. OTHER_CLUSTER, NOT_OURS: a document or an image that isn't
 * of its keys' cluster or of the role it is said to be. MALFORMED: not what the purpose signs. LOG_BROKEN: its log was
 * changed or shortened, so it signs nothing. SIGNER_GONE: its process ended. BAD_FRAME: not the protocol.
 * SIGNER_FAILED: anything else in its process.
 */
export const SIGNER_ERROR_CODES = ["NOT_OPEN", "OTHER_CLUSTER", "NOT_OURS", "MALFORMED", "LOG_BROKEN", "SIGNER_GONE", "BAD_FRAME", "SIGNER_FAILED"] as const;

/** See {@link SIGNER_ERROR_CODES}. */
export type SignerErrorCode = (typeof SIGNER_ERROR_CODES)[number];

/** A signature that wasn't given. The code is fixed, the message one sentence. */
export class SignerError extends Error {
  readonly code: SignerErrorCode;

  constructor(code: SignerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SignerError";
    this.code = code;
  }
}
