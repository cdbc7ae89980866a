import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import type { OperatorStatement } from "../../proto/release/operator-statement.ts";
import type { Identity } from "../db/identities.ts";
import { HubError } from "../error.ts";
import { type Member, memberOf } from "../planes/member.ts";
import { findApproval } from "./find-approval.ts";
import type { HubContext } from "./hub-context.ts";
import { keepLease } from "./leases.ts";
import { holdsSlot, type SlotState } from "./state.ts";

/** What an approved node is handed (Admission in node.proto). */
export interface AdmissionFacts {
  readonly id: string;
  readonly certificateChain: readonly Uint8Array[];
  readonly member: Member;
  readonly approval: OperatorStatement;
}

/**
 * Prepares an approved identity's admission: its certificate over the key of its claims, and its addresses. Null when it
 * is no longer approved, no stored approval verifies (the state in the database alone admits nobody), its verdict is
 * older than one renewal, or its release is no longer current. Throws HubError `PLANE_FULL`.
 */
export async function prepareAdmission(context: HubContext, id: string): Promise<AdmissionFacts | null> {
  const ready = readyToAdmit(context, id);
  if (ready === null) return null;
  const { state, approval } = ready;
  const slot = context.trust.slots.get(state.slot);
  if (slot === undefined) throw new HubError("SLOT_UNKNOWN", `this cluster has no slot ${state.slot} any longer`);
  const member = memberOf({
    id,
    slot,
    hubSlot: context.trust.hubSlot,
    state,
    planes: context.image.planes,
    approval: { envelope: toBase64(approval.envelope), chain: approval.chain.map(toBase64) },
  });
  const certificateChain = await context.issuer.issueNode(state.slot, fromBase64(state.facts.tls));
  return { id, certificateChain, member, approval };
}

/**
 * The moment of admission, without a pause in it: checks once more that the identity is still approved (a revocation may
 * have come while the certificate was signed) and writes state and lease. False: it isn't, hand out nothing.
 */
export function commitAdmission(context: HubContext, admission: AdmissionFacts): boolean {
  const { store, ports } = context;
  const ready = readyToAdmit(context, admission.id);
  if (ready === null || ready.state.slot !== admission.member.name) return false;
  const now = ports.clock.wallMs();
  store.transaction(() => {
    if (ready.state.t === "approved") store.identities.apply(ready.identity, { e: "attach" }, now);
    keepLease(context, admission.member, context.leases.untilMs(admission.id));
    store.audit.append({ actor: "hub", action: "admit", subject: admission.id, detail: admission.member.name });
  });
  return true;
}

function readyToAdmit(context: HubContext, id: string): { readonly identity: Identity; readonly state: SlotState; readonly approval: OperatorStatement } | null {
  const identity = context.store.identities.byId(id);
  if (identity === null || !holdsSlot(identity.state) || !context.leases.isFresh(id)) return null;
  // It may have been withdrawn since the verdict.
  if (!context.releases.isCurrent(identity.state.facts.releaseId)) return null;
  const found = findApproval(context, identity, identity.state.facts);
  if (found === null || found.verified.approval.slot !== identity.state.slot) return null;
  return { identity, state: identity.state, approval: found.stored };
}
