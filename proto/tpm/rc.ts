/** TPM_RC_SUCCESS. */
export const RC_SUCCESS = 0;
/** TPM2_Startup was sent already: at boot the firmware has done it. */
export const RC_INITIALIZE = 0x100;
/** TPM_RC_HANDLE for the first handle: there is no such object or NV index (Part 2, 6.6). */
export const RC_NO_HANDLE = 0x18b;
/** The TPM was busy and did nothing: the same command should be sent again (Part 2, 6.6.3). */
export const RC_BUSY: readonly number[] = [0x908 /* YIELDED */, 0x90a /* TESTING */, 0x922 /* RETRY */];

/** Part 2, table 16: format-zero errors (0x100 + n). */
const VER1: Readonly<Record<number, string>> = {
  0x00: "INITIALIZE", 0x01: "FAILURE", 0x03: "SEQUENCE", 0x0b: "PRIVATE", 0x19: "HMAC", 0x20: "DISABLED",
  0x21: "EXCLUSIVE", 0x24: "AUTH_TYPE", 0x25: "AUTH_MISSING", 0x26: "POLICY", 0x27: "PCR", 0x28: "PCR_CHANGED",
  0x2d: "UPGRADE", 0x2e: "TOO_MANY_CONTEXTS", 0x2f: "AUTH_UNAVAILABLE", 0x30: "REBOOT", 0x31: "UNBALANCED",
  0x42: "COMMAND_SIZE", 0x43: "COMMAND_CODE", 0x44: "AUTHSIZE", 0x45: "AUTH_CONTEXT", 0x46: "NV_RANGE",
  0x47: "NV_SIZE", 0x48: "NV_LOCKED", 0x49: "NV_AUTHORIZATION", 0x4a: "NV_UNINITIALIZED", 0x4b: "NV_SPACE",
  0x4c: "NV_DEFINED", 0x50: "BAD_CONTEXT", 0x51: "CPHASH", 0x52: "PARENT", 0x53: "NEEDS_TEST", 0x54: "NO_RESULT",
  0x55: "SENSITIVE",
};

/** Format-one errors (0x080 + n, with the handle, session or parameter in bits 6 and 8–11). */
const FMT1: Readonly<Record<number, string>> = {
  0x01: "ASYMMETRIC", 0x02: "ATTRIBUTES", 0x03: "HASH", 0x04: "VALUE", 0x05: "HIERARCHY", 0x07: "KEY_SIZE",
  0x08: "MGF", 0x09: "MODE", 0x0a: "TYPE", 0x0b: "HANDLE", 0x0c: "KDF", 0x0d: "RANGE", 0x0e: "AUTH_FAIL",
  0x0f: "NONCE", 0x10: "PP", 0x12: "SCHEME", 0x15: "SIZE", 0x16: "SYMMETRIC", 0x17: "TAG", 0x18: "SELECTOR",
  0x1a: "INSUFFICIENT", 0x1b: "SIGNATURE", 0x1c: "KEY", 0x1d: "POLICY_FAIL", 0x1f: "INTEGRITY", 0x20: "TICKET",
  0x21: "RESERVED_BITS", 0x22: "BAD_AUTH", 0x23: "EXPIRED", 0x24: "POLICY_CC", 0x25: "BINDING", 0x26: "CURVE",
  0x27: "ECC_POINT",
};

/** Warnings (0x900 + n): the command may work later. */
const WARN: Readonly<Record<number, string>> = {
  0x01: "CONTEXT_GAP", 0x02: "OBJECT_MEMORY", 0x03: "SESSION_MEMORY", 0x04: "MEMORY", 0x05: "SESSION_HANDLES",
  0x06: "OBJECT_HANDLES", 0x07: "LOCALITY", 0x08: "YIELDED", 0x09: "CANCELED", 0x0a: "TESTING",
  0x10: "REFERENCE_H0", 0x11: "REFERENCE_H1", 0x12: "REFERENCE_H2", 0x13: "REFERENCE_H3", 0x14: "REFERENCE_H4",
  0x15: "REFERENCE_H5", 0x16: "REFERENCE_H6", 0x18: "REFERENCE_S0", 0x19: "REFERENCE_S1", 0x1a: "REFERENCE_S2",
  0x1b: "REFERENCE_S3", 0x1c: "REFERENCE_S4", 0x1d: "REFERENCE_S5", 0x1e: "REFERENCE_S6", 0x20: "NV_RATE",
  0x21: "LOCKOUT", 0x22: "RETRY", 0x23: "NV_UNAVAILABLE",
};

/**
 * Name of a response code (Part 2, 6.6): `TPM_RC_AUTH_FAIL (session 1)`; the number where it has no name. Codes from
 * a resource manager keep their layer in bits 16–23 and stay a number.
 */
export function rcName(rc: number): string {
  if (rc === RC_SUCCESS) return "TPM_RC_SUCCESS";
  if (rc === 0x01e) return "TPM_RC_BAD_TAG";
  const name = rc > 0xfff ? undefined : (rc & 0x80) !== 0 ? formatOne(rc) : formatZero(rc);
  return name === undefined ? `0x${(rc >>> 0).toString(16).padStart(8, "0")}` : `TPM_RC_${name}`;
}

function formatZero(rc: number): string | undefined {
  if ((rc & 0xf00) === 0x900) return WARN[rc & 0x7f];
  if ((rc & 0xf00) === 0x100) return VER1[rc & 0x7f];
  return undefined;
}

function formatOne(rc: number): string | undefined {
  const name = FMT1[rc & 0x3f];
  if (name === undefined) return undefined;
  const n = (rc >> 8) & 0xf;
  if ((rc & 0x40) !== 0) return `${name} (parameter ${n})`;
  if (n > 8) return `${name} (session ${n - 8})`;
  return n > 0 && n < 8 ? `${name} (handle ${n})` : name;
}
