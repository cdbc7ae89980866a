import type { Admission, Challenge, Evidence, HubMessage, PlanePeer, PlaneUpdate } from "../../proto/gen/kubedos/v1/node.ts";
import { fromBase64 } from "../../proto/wire/base64.ts";
import type { UnverifiedEvidence } from "../attest/types.ts";
import type { AdmissionFacts } from "../enroll/admit.ts";
import type { Member } from "../planes/member.ts";
import type { PlaneChange } from "../planes/plane-book.ts";

type Body<T extends NonNullable<HubMessage["body"]>["$case"]> = Extract<NonNullable<HubMessage["body"]>, { readonly $case: T }>;

/** What protobuf code takes, over the same memory. */
export function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** A greeting's challenge; its secret stays here, wrapped in the credential. */
export function challengeMessage(greeting: {
  readonly challenge: { readonly nonce: Uint8Array };
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}): Body<"challenge"> {
  const value: Challenge = {
    nonce: asBuffer(greeting.challenge.nonce),
    credentialBlob: asBuffer(greeting.credentialBlob),
    encryptedSecret: asBuffer(greeting.encryptedSecret),
  };
  return { $case: "challenge", value };
}

/** Evidence as it came, with the keys that the challenge was made for: the message can't name others. */
export function evidenceOf(e: Evidence, keys: Pick<UnverifiedEvidence, "ekPublic" | "akPublic">): UnverifiedEvidence {
  return {
    ekPublic: keys.ekPublic,
    akPublic: keys.akPublic,
    secret: new Uint8Array(e.secret),
    quote: new Uint8Array(e.quote),
    signature: new Uint8Array(e.signature),
    claims: new Uint8Array(e.claims),
    firmwareLog: new Uint8Array(e.firmwareLog),
    userspaceLog: new Uint8Array(e.userspaceLog),
  };
}

export function admissionMessage(admission: AdmissionFacts): Body<"admission"> {
  const { member, approval } = admission;
  const value: Admission = {
    id: admission.id,
    name: member.name,
    index: member.index,
    certificateChain: admission.certificateChain.map(asBuffer),
    planes: member.planes.map(({ plane, address }) => ({ plane, address })),
    approval: { envelope: asBuffer(approval.envelope), certificateChain: approval.chain.map(asBuffer) },
  };
  return { $case: "admission", value };
}

export function planeUpdateMessage(change: PlaneChange): Body<"planeUpdate"> {
  const value: PlaneUpdate = {
    epoch: BigInt(change.epoch),
    serial: BigInt(change.serial),
    full: change.full,
    set: change.set.map(planePeer),
    remove: [...change.remove],
  };
  return { $case: "planeUpdate", value };
}

function planePeer(member: Member): PlanePeer {
  const { id, name, role, index, planes, approval } = member;
  const certificateChain = approval.chain.map((der) => asBuffer(fromBase64(der)));
  return { id, name, role, index, planes: planes.map((p) => ({ ...p })), approval: { envelope: asBuffer(fromBase64(approval.envelope)), certificateChain } };
}
