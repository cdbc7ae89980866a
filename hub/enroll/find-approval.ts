import type { OperatorStatement } from "../../proto/release/operator-statement.ts";
import type { Identity } from "../db/identities.ts";
import { HubError } from "../error.ts";
import { anchorsOf } from "./ek-anchor.ts";
import type { HubContext } from "./hub-context.ts";
import type { BootFacts } from "./state.ts";
import { type VerifiedApproval, verifyApproval } from "./verify-approval.ts";

/** A stored statement that admits this machine now, or null. Each candidate is verified in full. */
export function findApproval(
  context: HubContext,
  identity: Identity,
  facts: BootFacts,
): { readonly stored: OperatorStatement; readonly verified: VerifiedApproval } | null {
  const { image, ports, store } = context;
  const question = { cluster: image.cluster, rootCa: image.rootCa, anchors: anchorsOf(context), nowMs: ports.clock.wallMs(), identity, facts };
  for (const stored of store.approvals.valid(identity.ekName, identity.generation)) {
    try {
      return { stored, verified: verifyApproval(stored, { ...question, used: stored.used }) };
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
    }
  }
  return null;
}
