/** Why a deployment stopped. The code is fixed, the message one sentence. */
export class DeployError extends Error {
  readonly code: DeployErrorCode;

  constructor(code: DeployErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DeployError";
    this.code = code;
  }
}

/** See {@link DeployError}. */
export type DeployErrorCode =
  | "GUEST_SILENT"
  | "GUEST_ENDED"
  | "WRONG_EK"
  | "HUB_REFUSED"
  | "BAD_ANSWER"
  | "WRONG_OPERATOR"
  /** A certificate in the folder that the spec's trust.ekRoots names can't anchor anybody. */
  | "BAD_EK_ROOTS"
  /** The state folder belongs to another cluster, or to one of the same name with other keys. */
  | "OTHER_CLUSTER"
  /** The folder holds files that no deployment made. */
  | "FOREIGN_FOLDER"
  | "STATE_IN_USE"
  | "NOT_DEPLOYED"
  | "STOPPED";
