import { z } from "zod";
import { EVIDENCE_LIMITS } from "../../proto/evidence/limits.ts";
import type { RecordedEvidence } from "../../proto/gen/kubedos/v1/admin.ts";
import { EK_TRUST_LIMITS } from "../../proto/release/pins.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { base64Text, dnsLabel } from "../../proto/wire/text.ts";
import type { UnverifiedEkCertificate } from "../attest/ek-certificate.ts";
import type { Challenge, UnverifiedEvidence } from "../attest/types.ts";

const bytes = (max: number) => base64Text(max).transform(fromBase64);
/** A userspace log may be empty: nothing was extended yet. */
const bytesOrNone = (max: number) => z.union([z.literal("").transform(() => new Uint8Array()), bytes(max)]);

/** A chain in one piece: what the hub keeps of up to 16 parts. */
const MAX_CHAIN_BYTES = 16 * EK_TRUST_LIMITS.certificateBytes;

/** One attestation as it was recorded: evidence, what was asked, and what was known. All bytes are base64. */
const evidenceFileSchema = z.strictObject({
  ekPublic: bytes(EVIDENCE_LIMITS.publicArea),
  akPublic: bytes(EVIDENCE_LIMITS.publicArea),
  secret: bytes(EVIDENCE_LIMITS.secret),
  quote: bytes(EVIDENCE_LIMITS.quote),
  signature: bytes(EVIDENCE_LIMITS.signature),
  claims: bytes(16 * 1024),
  firmwareLog: bytes(EVIDENCE_LIMITS.firmwareLog),
  userspaceLog: bytesOrNone(EVIDENCE_LIMITS.userspaceLog),
  challenge: z.strictObject({ nonce: bytes(64), secret: bytes(EVIDENCE_LIMITS.secret), verifier: bytes(32) }),
  /** SPKI that the TLS peer proved; null where it came over the guest agent's mailbox. */
  peerKey: bytes(256).nullable(),
  cluster: dnsLabel,
  /** Role of the slot that the EK was pinned to; null for an unanchored machine. */
  pinnedRole: dnsLabel.nullable(),
  /** DER as the machine's TPM showed it, and parts of its chain; absent where it showed none. */
  ekCertificate: bytes(EK_TRUST_LIMITS.certificateBytes).optional(),
  ekIntermediates: z.array(bytes(MAX_CHAIN_BYTES)).max(16).optional(),
});

/** See the schema: the recorded evidence and its circumstances. */
export interface EvidenceFile {
  readonly evidence: UnverifiedEvidence;
  readonly challenge: Omit<Challenge, "issuedAt" | "expiresAt">;
  readonly peerKey: Uint8Array | null;
  readonly cluster: string;
  readonly pinnedRole: string | null;
  /** Null: its TPM showed none. */
  readonly shown: Pick<UnverifiedEkCertificate, "certificate" | "intermediates"> | null;
}

/** Largest file: the limits of its parts as base64. */
export const MAX_EVIDENCE_FILE_BYTES = 1024 * 1024;

/** Name of a key in hex; "" for bytes that are none, which the verdict refuses with a code of its own. */
function nameText(publicArea: Uint8Array): string {
  try {
    return toHex(nameOf(publicArea));
  } catch {
    return "";
  }
}

/** File bytes → recorded evidence. Throws WireError. */
export function parseEvidenceFile(data: Uint8Array): EvidenceFile {
  const { challenge, peerKey, cluster, pinnedRole, ekCertificate, ekIntermediates = [], ...evidence } = parseJson(evidenceFileSchema, data, MAX_EVIDENCE_FILE_BYTES);
  // The hub makes every challenge for the keys of its hello, and keeps one pair of keys for both.
  const names = { ekName: nameText(evidence.ekPublic), akName: nameText(evidence.akPublic) };
  const shown = ekCertificate === undefined ? null : { certificate: ekCertificate, intermediates: ekIntermediates };
  return { evidence, challenge: { ...challenge, ...names }, peerKey, cluster, pinnedRole, shown };
}

/** What the hub kept → file text, the inverse of {@link parseEvidenceFile}. */
export function evidenceFileText(r: RecordedEvidence): string {
  const file = {
    ekPublic: toBase64(r.ekPublic),
    akPublic: toBase64(r.akPublic),
    secret: toBase64(r.secret),
    quote: toBase64(r.quote),
    signature: toBase64(r.signature),
    claims: toBase64(r.claims),
    firmwareLog: toBase64(r.firmwareLog),
    userspaceLog: toBase64(r.userspaceLog),
    challenge: { nonce: toBase64(r.nonce), secret: toBase64(r.expectedSecret), verifier: toBase64(r.verifier) },
    peerKey: r.peerKey.length === 0 ? null : toBase64(r.peerKey),
    cluster: r.cluster,
    pinnedRole: r.pinnedRole === "" ? null : r.pinnedRole,
    ...(r.ekCertificate.length > 0 && { ekCertificate: toBase64(r.ekCertificate) }),
    ...(r.ekIntermediates.length > 0 && { ekIntermediates: r.ekIntermediates.map((part) => toBase64(part)) }),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
