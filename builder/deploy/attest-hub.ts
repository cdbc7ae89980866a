import { z } from "zod";
import { placeOf } from "../../hub/attest/finding.ts";
import { judge } from "../../hub/attest/judge.ts";
import type { AttestedFacts, UnverifiedEvidence } from "../../hub/attest/types.ts";
import { EVIDENCE_LIMITS } from "../../proto/evidence/limits.ts";
import { verifierContext } from "../../proto/evidence/extra-data.ts";
import type { Release } from "../../proto/release/release.ts";
import { makeCredential } from "../../proto/tpm/credential.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { base64Text } from "../../proto/wire/text.ts";
import { DeployError } from "./error.ts";
import type { Mailbox } from "./mailbox.ts";

const BOOT_TIMEOUT_MS = 180_000;
const ANSWER_TIMEOUT_MS = 60_000;

const identitySchema = z.strictObject({
  ekPublic: base64Text(EVIDENCE_LIMITS.publicArea),
  akPublic: base64Text(EVIDENCE_LIMITS.publicArea),
  bootId: z.uuid(),
});

const logText = (max: number) => z.union([z.literal(""), base64Text(max)]);
const evidenceSchema = z.strictObject({
  secret: base64Text(EVIDENCE_LIMITS.secret),
  quote: base64Text(EVIDENCE_LIMITS.quote),
  signature: base64Text(EVIDENCE_LIMITS.signature),
  claims: base64Text(16 * 1024),
  firmwareLog: logText(EVIDENCE_LIMITS.firmwareLog),
  userspaceLog: logText(EVIDENCE_LIMITS.userspaceLog),
});

/** What the build host knows of the guest that is to become the hub. */
export interface HubCandidate {
  readonly cluster: string;
  /** Name of the EK that was pinned when the guest was stamped, hex. */
  readonly ekName: string;
  readonly role: string;
  readonly release: Release;
  /** SPKI (DER) of the release-signing key: names this verifier in the quote. */
  readonly verifierKey: Uint8Array;
  readonly entropy: (bytes: number) => Uint8Array;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * Challenges the guest over its mailbox, before any network to it is used, with a nonce of our own (DESIGN §2.14), and
 * judges the answer by the same verdict as the hub will use for everybody else. Throws DeployError.
 */
export async function attestHub(mailbox: Mailbox, hub: HubCandidate): Promise<AttestedFacts> {
  const identity = await mailbox.take("identity", identitySchema, BOOT_TIMEOUT_MS);
  const ekPublic = fromBase64(identity.ekPublic);
  const akPublic = fromBase64(identity.akPublic);
  const ekName = toHex(nameOf(ekPublic));
  if (ekName !== hub.ekName) {
    throw new DeployError("WRONG_EK", `the guest shows EK ${ekName}, but ${hub.ekName} was pinned when it was stamped`);
  }
  const nonce = hub.entropy(32);
  const secret = hub.entropy(32);
  const verifier = verifierContext(hub.cluster, hub.verifierKey);
  const akName = nameOf(akPublic);
  const credential = makeCredential({ ekPublic, akName, secret, entropy: hub.entropy });
  const issuedAt = hub.now();
  await mailbox.post("challenge", {
    nonce: toBase64(nonce),
    credentialBlob: toBase64(credential.credentialBlob),
    encryptedSecret: toBase64(credential.encryptedSecret),
    verifier: toBase64(verifier),
  });
  const answer = await mailbox.take("evidence", evidenceSchema, ANSWER_TIMEOUT_MS);
  const evidence: UnverifiedEvidence = {
    ekPublic,
    akPublic,
    secret: fromBase64(answer.secret),
    quote: fromBase64(answer.quote),
    signature: fromBase64(answer.signature),
    claims: fromBase64(answer.claims),
    firmwareLog: fromBase64(answer.firmwareLog),
    userspaceLog: fromBase64(answer.userspaceLog),
  };
  const verdict = judge(
    evidence,
    { nonce, secret, verifier, ekName, akName: toHex(akName), issuedAt, expiresAt: issuedAt + ANSWER_TIMEOUT_MS + 5_000 },
    { cluster: hub.cluster, peerKey: null, releases: [hub.release], pinnedRole: hub.role, ekCertificate: null, baseline: null, lastClock: null, now: hub.now() },
  );
  if (!verdict.ok) {
    const first = verdict.findings[0];
    const detail = first === undefined ? "" : `: ${placeOf(first)}, ${first.what}: expected ${first.expected}, found ${first.found}`;
    throw new DeployError("HUB_REFUSED", `the hub's guest did not boot the release (${verdict.code}: ${verdict.message})${detail}`);
  }
  if (verdict.facts.claims.issuers === undefined) {
    throw new DeployError("BAD_ANSWER", "the guest attested, but claims no issuer keys; is it the hub's image?");
  }
  return verdict.facts;
}
