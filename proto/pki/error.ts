/** A certificate or chain that kubedos doesn't take. The code is fixed, the message one sentence. */
export class PkiError extends Error {
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PkiError";
    this.code = code;
  }
}

/** Why a chain was refused, one code for each check of `verifyIdentity`, and of an operator's role. */
export type PkiErrorCode =
  | "BAD_CERTIFICATE"
  | "CHAIN_LENGTH"
  | "WRONG_ISSUER"
  | "EXPIRED"
  | "NOT_YET_VALID"
  | "NOT_A_CA"
  | "WRONG_CONSTRAINT"
  | "WRONG_NAME"
  | "WRONG_USAGE"
  | "WRONG_KEY"
  | "UNKNOWN_CRITICAL"
  | "OPERATOR_ROLE";
