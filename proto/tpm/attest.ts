import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { type PcrSelection, readPcrSelections } from "./pcr-selection.ts";

/** TPM_GENERATED_VALUE: what a restricted key refuses to sign when it comes from outside (Part 2, 6.2). */
export const TPM_GENERATED = 0xff544347;
/** TPM_ST_ATTEST_QUOTE. */
export const ATTEST_QUOTE = 0x8018;

/** Longest TPMS_ATTEST that is looked at; a quote over one bank has about 145 bytes. */
const MAX_ATTEST_BYTES = 4096;
/** Largest TPM2B_NAME, and largest TPM2B_DATA: an algorithm identifier and a SHA-512 digest. */
const MAX_NAME_BYTES = 66;
const MAX_DIGEST_BYTES = 64;

/** TPMS_CLOCK_INFO (Part 2, 10.11.1). */
export interface ClockInfo {
  /** Milliseconds that the TPM has been powered, over its whole life. */
  readonly clock: bigint;
  /** Resets of the TPM; see P23 on keys outside the endorsement hierarchy. */
  readonly resetCount: number;
  /** Restarts and resumes since the last reset. */
  readonly restartCount: number;
  /** Whether no greater `clock` can have been reported before. */
  readonly safe: boolean;
}

/** TPMS_QUOTE_INFO. */
export interface QuoteInfo {
  /** What was really hashed: the only selection to believe (P3). */
  readonly selections: readonly PcrSelection[];
  /** Over the selected PCRs, with the hash of the signature's scheme and not of the bank (P21). */
  readonly digest: Uint8Array;
}

/** TPMS_ATTEST (Part 2, 10.12.12). Parsed, not judged: `magic` and `type` are whatever the bytes say. */
export interface Attest {
  readonly magic: number;
  readonly type: number;
  /** Qualified Name of the signing key. */
  readonly qualifiedSigner: Uint8Array;
  /** What the caller of the command passed in: the nonce. */
  readonly extraData: Uint8Array;
  readonly clock: ClockInfo;
  readonly firmwareVersion: bigint;
  /** Present exactly when `type` says quote. */
  readonly quote?: QuoteInfo;
  /** The attested part of every other type, not looked into. */
  readonly other?: Uint8Array;
}

/** TPMS_ATTEST bytes (without a TPM2B size) → fields. Throws WireError, on bytes behind a quote too. */
export function parseAttest(data: Uint8Array): Attest {
  if (data.length > MAX_ATTEST_BYTES) throw new WireError("TOO_LARGE", `attestation of ${data.length} bytes`);
  const r = new ByteReader(data);
  const magic = r.u32be();
  const type = r.u16be();
  const header = {
    magic,
    type,
    qualifiedSigner: r.sized16be(MAX_NAME_BYTES),
    extraData: r.sized16be(MAX_NAME_BYTES),
    clock: readClockInfo(r),
    firmwareVersion: r.u64be(),
  };
  if (type !== ATTEST_QUOTE) return { ...header, other: r.bytes(r.left) };
  const quote = { selections: readPcrSelections(r), digest: r.sized16be(MAX_DIGEST_BYTES) };
  r.end();
  return { ...header, quote };
}

function readClockInfo(r: ByteReader): ClockInfo {
  const clock = r.u64be();
  const resetCount = r.u32be();
  const restartCount = r.u32be();
  const safe = r.u8();
  if (safe > 1) throw new WireError("BAD_VALUE", `clock.safe is ${safe}, neither YES nor NO`);
  return { clock, resetCount, restartCount, safe: safe === 1 };
}
