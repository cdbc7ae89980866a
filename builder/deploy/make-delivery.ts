import { createPublicKey, type KeyObject } from "node:crypto";
import type { AttestedFacts } from "../../hub/attest/types.ts";
import { encodeEnvelope, signEnvelope } from "../../proto/dsse/dsse.ts";
import { APPROVAL_TYPE, type Approval } from "../../proto/release/approval.ts";
import type { Delivery } from "../../proto/release/delivery.ts";
import { firmwareDigest } from "../../proto/release/firmware.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import type { Signer } from "../sign/signer.ts";
import { DeployError } from "./error.ts";

/** How long the hub's issuers live. Its keys stay on its data volume; each delivery makes the certificates over them anew. */
const ISSUER_DAYS = 90;
const DAY_MS = 86_400_000;

/** The build host's side of the hub's birth: keys that never leave it, and the files that go along. */
export interface DeliveryInputs {
  readonly facts: AttestedFacts;
  readonly signer: Signer;
  /** DER of the operator intermediate; its key stays here. */
  readonly operatorIssuer: Uint8Array;
  /** The hub's own slot. */
  readonly slot: string;
  /** DSSE envelopes as bytes. */
  readonly releases: readonly Uint8Array[];
  readonly pins: Uint8Array;
  readonly operator: OperatorKey;
  readonly now: Date;
}

/** An operator's private key with the chain that verifies it: DER, leaf first, without the root. */
export interface OperatorKey {
  readonly key: KeyObject;
  readonly chain: readonly Uint8Array[];
}

/**
 * Signs the hub's two intermediates over exactly the keys in the claims that were just attested, and the approval of the
 * hub's own node by an operator; all of it in one envelope of the release key. Returns the envelope's bytes.
 */
export async function makeDelivery(inputs: DeliveryInputs): Promise<Uint8Array> {
  const issuers = inputs.facts.claims.issuers;
  if (issuers === undefined) throw new DeployError("BAD_ANSWER", "these claims hold no issuer keys");
  const { cluster } = inputs.facts.release;
  const notAfter = new Date(inputs.now.getTime() + ISSUER_DAYS * DAY_MS);
  const issue = async (role: "hub" | "node", spki: string): Promise<string> => toBase64(await inputs.signer.issueIntermediate(role, fromBase64(spki), notAfter));
  const delivery: Delivery = {
    kind: "kubedos/delivery",
    version: 1,
    cluster,
    hubIssuer: await issue("hub", issuers.hub),
    nodeIssuer: await issue("node", issuers.node),
    operatorIssuer: toBase64(inputs.operatorIssuer),
    slot: inputs.slot,
    releases: inputs.releases.map(toBase64),
    pins: toBase64(inputs.pins),
    approvals: [approveHub(inputs)],
  };
  return encodeEnvelope(await inputs.signer.signDocument("delivery", canonicalJson(delivery)));
}

/** The hub can't be asked before it exists, so its own approval comes with the delivery. */
function approveHub(inputs: DeliveryInputs): Delivery["approvals"][number] {
  const { facts, operator } = inputs;
  const approval: Approval = {
    kind: "kubedos/approval",
    version: 1,
    cluster: facts.release.cluster,
    ekName: facts.ekName,
    slot: inputs.slot,
    role: facts.image.role,
    identityGeneration: 1,
    releaseGeneration: facts.release.generation,
    firmware: firmwareDigest(facts.firmware.values),
    notAfter: Math.floor((inputs.now.getTime() + DAY_MS) / 1000),
    acceptRisks: [],
  };
  const envelope = signEnvelope(APPROVAL_TYPE, canonicalJson(approval), operator.key, createPublicKey(operator.key));
  return { envelope: toBase64(encodeEnvelope(envelope)), chain: operator.chain.map(toBase64) };
}
