/** What went wrong in the agent; the code is fixed for machines, the message one sentence. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentError";
    this.code = code;
  }
}

/** Every code that {@link AgentError} carries. */
export type AgentErrorCode =
  | "ADMISSION_REFUSED"
  | "BAD_CONFIG"
  | "BAD_HINT"
  | "BAD_REQUEST"
  | "BAD_UPDATE"
  | "CLOSED_BY_HUB"
  | "COMMAND_FAILED"
  | "COMMAND_OUTPUT"
  | "DISCONNECTED"
  | "FILE_TOO_LARGE"
  | "LINK_MISSING"
  | "PCR_UNEXPLAINED"
  | "PEER_REFUSED"
  | "PROTOCOL"
  | "TPM_MISSING"
  | "USAGE"
  | VolumeErrorCode;

/**
 * Why a data volume isn't opened (docs/volumes.md). None of them leads to a volume being made anew: what might hold data stays as it is.
 */
export type VolumeErrorCode =
  | "VOLUME_MISSING"
  | "VOLUME_AMBIGUOUS"
  | "VOLUME_FOREIGN"
  | "VOLUME_ALTERED"
  | "VOLUME_LOCKED"
  | "VOLUME_OTHER_TPM"
  | "VOLUME_FORGED"
  | "VOLUME_DAMAGED"
  | "VOLUME_TOO_SMALL"
  | "VOLUME_FAILED"
  | "VOLUMES_CLOSED";

/** The fixed code of whatever was thrown; UNKNOWN for errors that aren't ours. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "UNKNOWN";
}
