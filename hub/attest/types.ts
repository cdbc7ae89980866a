import type { Claims } from "../../proto/evidence/claims.ts";
import type { Release, ReleaseImage } from "../../proto/release/release.ts";
import type { AttestCode } from "./codes.ts";

/** Bytes as they came from the wire. Nothing in here is believed before {@link judge} says so. */
export interface UnverifiedEvidence {
  /** TPMT_PUBLIC of the endorsement key and of the attestation key: those that the challenge's credential was made for, never others. */
  readonly ekPublic: Uint8Array;
  readonly akPublic: Uint8Array;
  /** What TPM2_ActivateCredential gave back. */
  readonly secret: Uint8Array;
  /** TPMS_ATTEST and TPMT_SIGNATURE. */
  readonly quote: Uint8Array;
  readonly signature: Uint8Array;
  /** Canonical JSON, see proto/evidence/claims.ts. */
  readonly claims: Uint8Array;
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/** What the verifier sent for exactly this evidence. The caller has already consumed it: it is never judged twice. */
export interface Challenge {
  readonly nonce: Uint8Array;
  readonly secret: Uint8Array;
  /** SHA-256(cluster ‖ verifier's SPKI). */
  readonly verifier: Uint8Array;
  /** Milliseconds on the verifier's monotonic clock. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Facts from elsewhere: all that the verdict may depend on beside the evidence. */
export interface Known {
  readonly cluster: string;
  /** SPKI (DER) that the TLS peer proved; null over the guest agent's mailbox, which has no peer key. */
  readonly peerKey: Uint8Array | null;
  /** Releases that are current; none means no verdict (P15). */
  readonly releases: readonly Release[];
  /** Role of the slot that this EK is pinned to; null: nobody stamped it. */
  readonly pinnedRole: string | null;
  /** PCR 0–3 (hex) recorded at this identity's approval; null before it. */
  readonly baseline: Readonly<Record<string, string>> | null;
  /** Same clock as the challenge's. */
  readonly now: number;
}

/** One difference between what the release expects and what the machine did, for machines and in words. */
export interface Finding {
  readonly code: AttestCode;
  /** -1 where no PCR is concerned. */
  readonly pcr: number;
  /** Number of the event within its PCR, from 0; -1 where the whole value is meant. */
  readonly index: number;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly cause: string;
}

/** What is true of a machine whose evidence passed. Only {@link judge} makes one. */
export interface AttestedFacts {
  readonly claims: Claims;
  readonly ekName: string;
  readonly akName: string;
  readonly release: Release;
  readonly image: ReleaseImage;
  /** The last word in PCR 11. */
  readonly phase: string;
  readonly anchor: "pinned" | "none";
  /** Quoted PCRs, hex, SHA-256 bank. */
  readonly pcrs: Readonly<Record<string, string>>;
  readonly clock: { readonly clock: bigint; readonly resetCount: number; readonly restartCount: number; readonly safe: boolean };
}

/** The verifier's answer. A refusal names the first check that failed and every difference it found there. */
export type Verdict =
  | { readonly ok: true; readonly facts: AttestedFacts }
  | { readonly ok: false; readonly code: AttestCode; readonly message: string; readonly findings: readonly Finding[] };
