import type { Claims } from "../../proto/evidence/claims.ts";
import type { Quirk } from "../../proto/eventlog/quirk.ts";
import type { Release, ReleaseImage } from "../../proto/release/release.ts";
import type { EvidenceBinding } from "../../proto/evidence/extra-data.ts";
import type { AttestCode } from "./codes.ts";
import type { EkCertificateVerdict } from "./ek-certificate.ts";
import type { Finding } from "./finding.ts";

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
  /** Names (hex) of the keys that the credential was made for: evidence with other keys answers no challenge of ours. */
  readonly ekName: string;
  readonly akName: string;
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
  /** Releases that the hub knows and that aren't current. They admit nobody; a machine that runs one is told so instead of how it differs from the current ones. */
  readonly otherReleases?: readonly OtherRelease[];
  /** Role of the slot that this EK is pinned to; null: nobody stamped it. */
  readonly pinnedRole: string | null;
  /** What verifyEkCertificate said of the certificate that was shown; null: none was. */
  readonly ekCertificate: EkCertificateVerdict | null;
  /** The firmware recorded at this identity's approval; null before it. */
  readonly baseline: Baseline | null;
  /** Newest clock of this EK that was known when the challenge was made; null where there was none. */
  readonly lastClock: LastClock | null;
  /** What the last evidence of this EK was bound to, where the caller has it: it decides nothing, but can say which part of a quote's binding is an old one. */
  readonly before?: EvidenceBinding;
  /** Same clock as the challenge's. */
  readonly now: number;
}

/** A release that doesn't count, and why. */
export interface OtherRelease {
  readonly release: Release;
  readonly withdrawn: boolean;
  /** When it came into that state, in milliseconds since 1970, and what the operator said; for people. */
  readonly sinceMs?: number;
  readonly reason?: string;
}

/** What a TPM's firmware PCRs 0–3 held and which events led there, before userspace added anything. */
export interface Baseline {
  /** Hex by PCR number: these decide. */
  readonly values: Readonly<Record<string, string>>;
  /** By PCR number: only these can say what changed. A PCR without them is compared as a whole. */
  readonly events: Readonly<Record<string, readonly { readonly digest: string; readonly what: string }[]>>;
}

/** TPMS_CLOCK_INFO of a quote. */
export interface QuoteClock {
  /** Milliseconds that the TPM was on. */
  readonly clock: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  /** Whether no greater value was ever shown: false after a power cut (DESIGN §2.11). */
  readonly safe: boolean;
}

/** Clock and boot of a quote that the TPM verifiably made for a challenge of ours. */
export interface LastClock extends Omit<QuoteClock, "safe"> {
  readonly bootId: string;
}

/** What is true of a machine whose evidence passed. Only {@link judge} makes one. */
export interface AttestedFacts {
  readonly claims: Claims;
  readonly ekName: string;
  readonly akName: string;
  readonly release: Release;
  readonly image: ReleaseImage;
  /** Generations of other current releases that hold the very same image. */
  readonly sharedBy: readonly number[];
  /** The last word in PCR 11. */
  readonly phase: string;
  /** Who vouches for the EK: the pin from stamping, its certificate, or nobody. */
  readonly anchor: "pinned" | "certificate" | "none";
  /** Quoted PCRs, hex, SHA-256 bank. */
  readonly pcrs: Readonly<Record<string, string>>;
  /** What an approval records, see {@link Known.baseline}. */
  readonly firmware: Baseline;
  /** Quirks that the logs needed; the image lists each of them. */
  readonly quirks: readonly Quirk[];
  readonly clock: QuoteClock;
}

/** The verifier's answer. A refusal names the first check that failed and every difference it found there, at least one. */
export type Verdict =
  | { readonly ok: true; readonly facts: AttestedFacts }
  | {
      readonly ok: false;
      readonly code: AttestCode;
      readonly message: string;
      readonly findings: readonly Finding[];
      /** Clock and claimed boot of the quote, where the TPM verifiably made it for this challenge and these claims. */
      readonly clock?: LastClock;
    };
