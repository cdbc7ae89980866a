import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { HubCode } from "../codes.ts";
import { HubError } from "../error.ts";

/** Metadata key of the fixed code. */
export const CODE_KEY = "kubedos-code";

const STATUS: Readonly<Record<HubCode, status>> = {
  NOT_FOUND: status.NOT_FOUND,
  AMBIGUOUS_ID: status.INVALID_ARGUMENT,
  BAD_REQUEST: status.INVALID_ARGUMENT,
  TOO_LARGE: status.RESOURCE_EXHAUSTED,
  RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  NOT_AN_OPERATOR: status.PERMISSION_DENIED,
  NOT_PERMITTED: status.PERMISSION_DENIED,
  READ_ONLY: status.PERMISSION_DENIED,
  HUB_NOT_READY: status.UNAVAILABLE,
  WINDOW_CLOSED: status.FAILED_PRECONDITION,
  WINDOW_FULL: status.FAILED_PRECONDITION,
  UNANCHORED: status.FAILED_PRECONDITION,
  IDENTITY_REVOKED: status.FAILED_PRECONDITION,
  IDENTITY_DENIED: status.FAILED_PRECONDITION,
  CONFLICT: status.ALREADY_EXISTS,
  ALREADY_DECIDED: status.ABORTED,
  SLOT_UNKNOWN: status.NOT_FOUND,
  SLOT_MISMATCH: status.FAILED_PRECONDITION,
  EK_MISMATCH: status.FAILED_PRECONDITION,
  APPROVAL_INVALID: status.PERMISSION_DENIED,
  APPROVAL_EXPIRED: status.FAILED_PRECONDITION,
  APPROVAL_MISMATCH: status.FAILED_PRECONDITION,
  EK_PIN_INVALID: status.PERMISSION_DENIED,
  ANCHOR_CHANGED: status.UNAVAILABLE,
  NO_GOOD_EVIDENCE: status.FAILED_PRECONDITION,
  RELEASE_INVALID: status.INVALID_ARGUMENT,
  RELEASE_FINAL: status.FAILED_PRECONDITION,
  GENERATION_TAKEN: status.ALREADY_EXISTS,
  ROLLED_BACK: status.FAILED_PRECONDITION,
  FLOOR_UNREADABLE: status.UNAVAILABLE,
  LAST_RELEASE: status.FAILED_PRECONDITION,
  CHALLENGE_EXPIRED: status.DEADLINE_EXCEEDED,
  LEASE_TIMEOUT: status.DEADLINE_EXCEEDED,
  LEASE_ENDED: status.FAILED_PRECONDITION,
  MASS_REMOVAL_HELD: status.FAILED_PRECONDITION,
  PROTOCOL_ERROR: status.INVALID_ARGUMENT,
  PLANE_FULL: status.RESOURCE_EXHAUSTED,
  SUPERSEDED: status.ABORTED,
  CLONE_DETECTED: status.FAILED_PRECONDITION,
  AUDIT_BROKEN: status.DATA_LOSS,
  INTERNAL: status.INTERNAL,
};

/** Any error of a handler → what gRPC sends: status, one sentence, the code as metadata. The cause stays here. */
export function grpcError(error: unknown): ServiceError {
  const known = error instanceof HubError ? error : new HubError("INTERNAL", "the hub met an error of its own", { cause: error });
  const metadata = new Metadata();
  metadata.set(CODE_KEY, known.code);
  return Object.assign(new Error(known.message), { code: STATUS[known.code], details: known.message, metadata });
}
