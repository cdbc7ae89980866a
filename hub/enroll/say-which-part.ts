import type { EvidenceBinding } from "../../proto/evidence/extra-data.ts";
import type { Verdict } from "../attest/types.ts";
import type { Identity } from "../db/identities.ts";
import { type Answer, knownFor } from "./appraise.ts";
import type { HubContext } from "./hub-context.ts";

/**
 * The same verdict with more to say: a quote that isn't bound to what came with it is often one of before, and what that was bound to is in
 * the kept evidence. Only this refusal reads it: to judge twice is cheap, to read two logs with each verdict isn't.
 */
export function sayWhichPart(context: HubContext, identity: Identity, answer: Answer, verdict: Verdict): Verdict {
  if (verdict.ok || verdict.code !== "BINDING_WRONG") return verdict;
  const kept = context.store.evidence.get(identity.id);
  if (kept === null) return verdict;
  const { nonce, verifier, evidence } = kept;
  const before: EvidenceBinding = { nonce, verifier, claims: evidence.claims, firmwareLog: evidence.firmwareLog, userspaceLog: evidence.userspaceLog };
  const again = context.ports.judge(answer.evidence, answer.greeting.challenge, { ...knownFor(context, identity, answer), before });
  return again.ok ? verdict : again;
}
