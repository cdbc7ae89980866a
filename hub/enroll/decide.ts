import { equalBytes } from "../../proto/wire/bytes.ts";
import type { OperatorRole } from "../../proto/pki/operator-role.ts";
import type { OperatorStatement } from "../../proto/release/operator-statement.ts";
import type { Identity } from "../db/identities.ts";
import { HubError } from "../error.ts";
import type { AckResult } from "../planes/plane-book.ts";
import { baselineOf } from "./appraise.ts";
import { auditRefusal } from "./audit-refusal.ts";
import { anchorsOf } from "./ek-anchor.ts";
import { expelIfOut } from "./expel.ts";
import { findNode } from "./find-node.ts";
import { DENIAL_MS } from "./greet.ts";
import type { HubContext } from "./hub-context.ts";
import { awaitsOperator, holdsSlot } from "./state.ts";
import { DENIED } from "./step.ts";
import { verifyApproval } from "./verify-approval.ts";

/** The operator whose TLS certificate calls. */
export interface Operator {
  readonly name: string;
  readonly role: OperatorRole;
  /** SPKI, DER. */
  readonly spki: Uint8Array;
}

/** How long a revocation waits for the live peers' word. */
const ACK_MS = 2000;

/**
 * Takes an operator's signed statement for a waiting machine and lets it in; also for a quarantined one that has shown good evidence
 * since, and then the statement must name the firmware that it accepts. The firmware of now is on record from here on. The caller must
 * be the signer: nobody plays somebody else's statement, and nobody one that was voided. Refusals are audited. Throws HubError: those
 * of verifyApproval, `ALREADY_DECIDED`, `NO_GOOD_EVIDENCE`, `CONFLICT`.
 */
export function approve(context: HubContext, wanted: string, stored: OperatorStatement, options: { readonly by: Operator; readonly reason: string }): Identity {
  const { store, ports, image } = context;
  const identity = findNode(context, wanted);
  const { state } = identity;
  return audited(context, { by: options.by, action: "approve", subject: identity.id }, () => {
    if (!awaitsOperator(state)) {
      if (state.t === "quarantined") throw new HubError("NO_GOOD_EVIDENCE", `the node failed (${state.code}) and has shown nothing good since`);
      throw new HubError("ALREADY_DECIDED", `the node is ${state.t} and does not wait for an approval`);
    }
    if (!context.releases.isCurrent(state.facts.releaseId)) throw new HubError("APPROVAL_MISMATCH", "the machine's release is no longer current");
    const now = ports.clock.wallMs();
    const question = { cluster: image.cluster, rootCa: image.rootCa, anchors: anchorsOf(context), nowMs: now, identity, facts: state.facts };
    const { approval, operatorKey } = verifyApproval(stored, question);
    if (!equalBytes(operatorKey, options.by.spki)) throw new HubError("APPROVAL_INVALID", "the approval was signed by another operator than the caller");
    if (store.approvals.isVoided(identity.ekName, identity.generation, stored.envelope)) throw new HubError("APPROVAL_INVALID", "this statement was voided: sign a new one");
    if (state.t === "quarantined" && approval.firmware === null) throw new HubError("APPROVAL_MISMATCH", "an approval of a quarantined node must name the firmware that it accepts");
    const holder = store.identities.bySlot(approval.slot);
    if (holder !== null && holder.id !== identity.id) throw new HubError("CONFLICT", `slot ${approval.slot} belongs to ${holder.id}`);
    const approved = store.transaction(() => {
      store.approvals.add(identity.ekName, identity.generation, stored, now);
      store.approvals.markUsed(identity.ekName, identity.generation, stored.envelope);
      const baseline = baselineOf(state.facts);
      store.identities.setBaseline(identity.id, baseline);
      const risks = approval.acceptRisks.length === 0 ? "" : `, accepting ${approval.acceptRisks.join(", ")}`;
      const anew = state.t === "quarantined" ? `, quarantined before (${state.code})` : "";
      const detail = `${approval.slot} (${approval.role})${risks}${anew}${options.reason === "" ? "" : `: ${options.reason}`}`;
      store.audit.append({ actor: `operator:${options.by.name}`, action: "approve", subject: identity.id, detail });
      return store.identities.apply({ ...identity, baseline }, { e: "approve", slot: approval.slot }, now);
    });
    context.live.get(identity.id)?.approved();
    return approved;
  });
}

/** Sends a waiting machine away; it may ask again after {@link DENIAL_MS}. Throws HubError `ALREADY_DECIDED`. */
export function deny(context: HubContext, wanted: string, options: { readonly by: Operator; readonly reason: string }): Identity {
  const { store, ports } = context;
  const identity = findNode(context, wanted);
  return audited(context, { by: options.by, action: "deny", subject: identity.id }, () => {
    if (identity.state.t !== "pending" && identity.state.t !== "unanchored") {
      throw new HubError("ALREADY_DECIDED", `the node is ${identity.state.t} and does not wait for a decision`);
    }
    const message = options.reason === "" ? "denied by an operator" : options.reason.slice(0, 512);
    const denied = store.transaction(() => {
      store.audit.append({ actor: `operator:${options.by.name}`, action: "deny", subject: identity.id, code: DENIED, detail: options.reason });
      return store.identities.apply(identity, { e: "deny", message }, ports.clock.wallMs());
    });
    context.live.get(identity.id)?.refuse({ code: DENIED, message, retryAfterMs: DENIAL_MS });
    return denied;
  });
}

/**
 * Ends an identity for good: state, approvals, stream and peers, in that order, so that nothing can let it back in halfway.
 * Returns after the live peers have taken it out of their kernels or two seconds are over, and says who has not.
 */
export async function revoke(
  context: HubContext,
  wanted: string,
  options: { readonly by: Operator; readonly reason: string },
): Promise<{ readonly identity: Identity } & AckResult> {
  const { store, ports, book } = context;
  const identity = findNode(context, wanted);
  const revoked = audited(context, { by: options.by, action: "revoke", subject: identity.id }, () => {
    if (holdsSlot(identity.state) && identity.state.slot === context.trust.hubSlot) {
      throw new HubError("BAD_REQUEST", "the hub can't revoke its own node: without it there is no plane");
    }
    if (identity.state.t === "banned" || identity.state.t === "retired") throw new HubError("ALREADY_DECIDED", `the node is ${identity.state.t} already`);
    const now = ports.clock.wallMs();
    return store.transaction(() => {
      store.approvals.void(identity.ekName, identity.generation, now);
      store.leases.drop(identity.id);
      store.audit.append({ actor: `operator:${options.by.name}`, action: "revoke", subject: identity.id, code: "IDENTITY_REVOKED", detail: options.reason });
      return store.identities.apply(identity, { e: "ban", reason: options.reason.slice(0, 512) }, now);
    });
  });
  const told = expelIfOut(context, identity.id);
  const { serial } = book;
  context.live.get(identity.id)?.refuse({ code: "IDENTITY_REVOKED", message: "an operator revoked this identity", retryAfterMs: 0 });
  return { identity: revoked, ...(await book.awaitAcks(told, serial, ACK_MS)) };
}

/** Runs a decision; one that is refused leaves its row too. */
function audited<T>(context: HubContext, what: { readonly by: Operator; readonly action: string; readonly subject: string }, decision: () => T): T {
  try {
    return decision();
  } catch (error) {
    auditRefusal(context, { ...what, by: what.by.name }, error);
    throw error;
  }
}
