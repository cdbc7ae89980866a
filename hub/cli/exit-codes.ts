import { status } from "@grpc/grpc-js";
import { ATTEST_CODES } from "../attest/codes.ts";
import type { HubCode } from "../codes.ts";
import type { CliCode } from "./cli-codes.ts";

/** Exit codes of every command (DESIGN §4 "CLI"); 130 is a shell's habit for Ctrl-C. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  permission: 5,
  unavailable: 6,
  timedOut: 7,
  refused: 8,
  interrupted: 130,
} as const;

/** See {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_CODE: Readonly<Record<HubCode | CliCode, ExitCode>> = {
  NOT_FOUND: EXIT.notFound,
  AMBIGUOUS_ID: EXIT.usage,
  BAD_REQUEST: EXIT.usage,
  TOO_LARGE: EXIT.usage,
  RATE_LIMITED: EXIT.unavailable,
  NOT_AN_OPERATOR: EXIT.permission,
  NOT_PERMITTED: EXIT.permission,
  READ_ONLY: EXIT.permission,
  HUB_NOT_READY: EXIT.unavailable,
  WINDOW_CLOSED: EXIT.refused,
  WINDOW_FULL: EXIT.refused,
  UNANCHORED: EXIT.refused,
  IDENTITY_REVOKED: EXIT.refused,
  IDENTITY_DENIED: EXIT.refused,
  CONFLICT: EXIT.conflict,
  ALREADY_DECIDED: EXIT.conflict,
  SLOT_UNKNOWN: EXIT.notFound,
  SLOT_MISMATCH: EXIT.conflict,
  EK_MISMATCH: EXIT.refused,
  APPROVAL_INVALID: EXIT.permission,
  APPROVAL_EXPIRED: EXIT.refused,
  APPROVAL_MISMATCH: EXIT.refused,
  EK_PIN_INVALID: EXIT.permission,
  ANCHOR_CHANGED: EXIT.unavailable,
  NO_GOOD_EVIDENCE: EXIT.refused,
  RELEASE_INVALID: EXIT.refused,
  RELEASE_FINAL: EXIT.refused,
  GENERATION_TAKEN: EXIT.conflict,
  ROLLED_BACK: EXIT.refused,
  FLOOR_UNREADABLE: EXIT.unavailable,
  LAST_RELEASE: EXIT.refused,
  CHALLENGE_EXPIRED: EXIT.refused,
  LEASE_TIMEOUT: EXIT.timedOut,
  LEASE_ENDED: EXIT.refused,
  MASS_REMOVAL_HELD: EXIT.failed,
  PROTOCOL_ERROR: EXIT.refused,
  PLANE_FULL: EXIT.conflict,
  SUPERSEDED: EXIT.conflict,
  CLONE_DETECTED: EXIT.refused,
  AUDIT_BROKEN: EXIT.failed,
  INTERNAL: EXIT.failed,
  USAGE: EXIT.usage,
  UNAVAILABLE: EXIT.unavailable,
  TIMED_OUT: EXIT.timedOut,
  HUB_UNTRUSTED: EXIT.refused,
  IDENTITY_INVALID: EXIT.permission,
  FILE_INVALID: EXIT.failed,
  NO_TERMINAL: EXIT.usage,
  LEFT_ALONE: EXIT.failed,
  FIRMWARE_MISMATCH: EXIT.refused,
  TOO_MANY: EXIT.refused,
  REFUSED: EXIT.refused,
  UNKNOWN_CODE: EXIT.notFound,
  UNHEALTHY: EXIT.failed,
  NOT_STARTED: EXIT.failed,
  INTERRUPTED: EXIT.interrupted,
};

const BY_STATUS: Readonly<Record<number, ExitCode>> = {
  [status.INVALID_ARGUMENT]: EXIT.usage,
  [status.OUT_OF_RANGE]: EXIT.usage,
  [status.NOT_FOUND]: EXIT.notFound,
  [status.ALREADY_EXISTS]: EXIT.conflict,
  [status.ABORTED]: EXIT.conflict,
  [status.PERMISSION_DENIED]: EXIT.permission,
  [status.UNAUTHENTICATED]: EXIT.permission,
  [status.UNAVAILABLE]: EXIT.unavailable,
  [status.RESOURCE_EXHAUSTED]: EXIT.unavailable,
  [status.DEADLINE_EXCEEDED]: EXIT.timedOut,
  [status.FAILED_PRECONDITION]: EXIT.refused,
};

/**
 * The one mapping from what went wrong to the exit code: by kubedos code where it is known, else by gRPC status (null
 * for errors that met no server), else 1. Every code of the verdict is a refusal.
 */
export function exitFor(code: string, grpcStatus: number | null): ExitCode {
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code as HubCode | CliCode];
  if (Object.hasOwn(ATTEST_CODES, code)) return EXIT.refused;
  return (grpcStatus === null ? undefined : BY_STATUS[grpcStatus]) ?? EXIT.failed;
}
