import type { AttestCode } from "../attest/codes.ts";
import type { Baseline, Finding, UnverifiedEvidence, Verdict } from "../attest/types.ts";
import type { Identity } from "../db/identities.ts";
import type { HubCode } from "../codes.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { bootFacts, keysOf, lastClockOf } from "./boot-facts.ts";
import { findApproval } from "./find-approval.ts";
import { type Greeting, pastRefusal } from "./greet.ts";
import type { HubContext } from "./hub-context.ts";
import { keepLease } from "./leases.ts";
import type { PeerFacts } from "./peer-facts.ts";
import { type BootFacts, isAdmitted } from "./state.ts";

/** What follows from one evidence. */
export type Outcome =
  | { readonly t: "refused"; readonly code: HubCode | AttestCode; readonly message: string; readonly retryAfterMs: number }
  | { readonly t: "waiting"; readonly state: "pending" | "unanchored"; readonly message: string }
  | { readonly t: "approved" }
  /** The evidence passed, but no operator's statement stands behind this member any longer: nothing is renewed, and remove-unbacked.ts decides. */
  | { readonly t: "unbacked" };

/** A machine that failed may ask again after a reboot; asking at once with the same boot gives the same answer. */
const RETRY_MS = 60_000;
/** Verdicts that say something about us or about time, not about the machine. A check that broke is none: that counts as no (P29b). */
const NOT_THE_MACHINE: readonly AttestCode[] = ["NO_RELEASE", "CHALLENGE_INVALID", "NONCE_EXPIRED"];

/**
 * Judges one evidence and makes the transitions that follow, all in one transaction. The challenge was dropped by the
 * caller before. Evidence that doesn't bring the challenge's secret could be anybody's who knows the public EK: it is
 * refused, and moves nobody who has ever proved anything.
 */
export function appraise(context: HubContext, greeting: Greeting, evidence: UnverifiedEvidence, peer: PeerFacts): Outcome {
  const { ports, store, trust, image } = context;
  const identity = store.identities.byId(greeting.id);
  if (identity === null) return refused("CHALLENGE_EXPIRED", "the hub has forgotten this challenge", 1000);
  // The lease counts from here: what the verdict itself takes is no gift.
  const receivedMs = ports.clock.monotonicMs();
  const pinnedRole = trust.byEk.get(identity.ekName)?.role ?? null;
  const verdict = ports.judge(evidence, greeting.challenge, {
    cluster: image.cluster,
    peerKey: peer.spki,
    releases: trust.releases.map((r) => r.value),
    pinnedRole,
    ekCertificate: null,
    baseline: identity.baseline,
    lastClock: lastClockOf(identity.state),
    now: ports.clock.monotonicMs(),
  });
  const own = equalBytes(evidence.secret, greeting.challenge.secret);
  const outcome = store.transaction(() => {
    // Read again: an operator may have decided between hello and evidence.
    const current = store.identities.byId(identity.id) ?? identity;
    const past = pastRefusal(current, ports.clock.wallMs());
    if (past !== null) return refused(past.code, past.message, past.retryAfterMs);
    if (own && !current.proven) {
      const full = takePlace(context, current);
      if (full !== null) return full;
    }
    // A stranger's bytes aren't kept: only who has a TPM and a place in the window can fill the disk.
    if (own) {
      const { code, findings } = verdict.ok ? { code: "", findings: [] } : verdict;
      store.evidence.put(current.id, { evidence, challenge: greeting.challenge, peerKey: peer.spki, pinnedRole, code, findings }, ports.clock.wallMs());
    }
    return verdict.ok ? pass(context, current, bootFacts(verdict.facts), peer, receivedMs) : fail(context, current, verdict, own, peer);
  });
  if (outcome.t === "waiting" || outcome.t === "approved") context.leases.passed(identity.id, receivedMs);
  if (outcome.t === "unbacked") context.breaker.doubted = true;
  return outcome;
}

/** The first proof of a new identity takes a place in the window, unless an approval came before it. Null: there was one. */
function takePlace(context: HubContext, identity: Identity): Outcome | null {
  const { store, ports } = context;
  if (store.approvals.valid(identity.ekName, identity.generation).length === 0) {
    const window = store.windows.current(ports.clock.wallMs());
    if (window === null) return refused("WINDOW_CLOSED", "the enrolment window closed meanwhile", 15_000);
    if (!store.windows.use(window.seq)) return refused("WINDOW_FULL", "the enrolment window has no place left", 15_000);
  }
  store.identities.setProven(identity.id);
  return null;
}

function fail(context: HubContext, identity: Identity, verdict: Extract<Verdict, { ok: false }>, own: boolean, peer: PeerFacts): Outcome {
  const { store, ports } = context;
  const { code, message } = verdict;
  const now = ports.clock.wallMs();
  const counts = (own || !identity.proven) && !NOT_THE_MACHINE.includes(code);
  store.audit.append({ actor: `node:${identity.id}`, action: counts ? "reject" : "refuse", subject: identity.id, code, detail: `${peer.source}: ${message}` });
  if (counts) {
    const after = store.identities.apply(identity, { e: "failed", code, message: message.slice(0, 2048) }, now);
    if (after.state.t === "quarantined") {
      // What failed stays out until an operator decides anew, and then on what the machine shows at that time.
      store.approvals.void(identity.ekName, identity.generation, now);
      store.identities.setBaseline(identity.id, null);
    }
  }
  return { t: "refused", code, message: sentence(verdict.findings[0], message), retryAfterMs: counts ? RETRY_MS : 5000 };
}

/** The machine's own console shows it: the first difference is worth more than the general sentence. */
function sentence(finding: Finding | undefined, message: string): string {
  return finding === undefined ? message : `${message} (PCR ${finding.pcr}: ${finding.what})`.slice(0, 1024);
}

function pass(context: HubContext, identity: Identity, facts: BootFacts, peer: PeerFacts, receivedMs: number): Outcome {
  const { store, ports, trust } = context;
  const now = ports.clock.wallMs();
  const keys = keysOf(facts);
  const conflict = (detail: string): void =>
    store.audit.append({ actor: `node:${identity.id}`, action: "conflict", subject: identity.id, code: "CONFLICT", detail: `${peer.source}: ${detail}` });
  const owner = store.identities.ownerOfKey(keys, identity.id);
  if (owner !== null) {
    conflict(`a key in the claims belongs to ${owner}`);
    return refused("CONFLICT", "a key in the claims belongs to another identity", RETRY_MS);
  }
  const renewed = renew(context, identity, facts, receivedMs);
  if (renewed !== null) return renewed;
  store.identities.setKeys(identity.id, keys);
  const attested = store.identities.apply(identity, { e: "passed", facts }, now);
  const approval = findApproval(context, attested, facts);
  const holder = approval === null ? null : store.identities.bySlot(approval.verified.approval.slot);
  if (approval !== null && (holder === null || holder.id === identity.id)) {
    store.identities.apply(attested, { e: "approve", slot: approval.verified.approval.slot }, now);
    store.approvals.markUsed(identity.ekName, identity.generation, approval.stored.envelope);
    if (identity.baseline === null) store.identities.setBaseline(identity.id, baselineOf(facts));
    store.audit.append({ actor: `node:${identity.id}`, action: "attest", subject: identity.id, detail: `${peer.source}: ${approval.verified.approval.slot}, approved by ${approval.verified.operator}` });
    return { t: "approved" };
  }
  if (holder !== null) conflict(`slot ${approval?.verified.approval.slot} belongs to ${holder.id}`);
  const waiting = store.identities.apply(attested, { e: "wait" }, now);
  const claimed = facts.claimedSlot === null ? undefined : trust.slots.get(facts.claimedSlot);
  // The hint is untrusted, so the claim alone takes nothing from anybody and gives nothing; but it is never silent.
  const foreign = claimed !== undefined && claimed.ekName !== null && claimed.ekName !== identity.ekName;
  if (foreign) conflict(`claims slot ${claimed.name}, which is pinned to another endorsement key`);
  const state = waiting.state.t === "pending" ? "pending" : "unanchored";
  store.audit.append({ actor: `node:${identity.id}`, action: "attest", subject: identity.id, code: state === "unanchored" ? "UNANCHORED" : "", detail: `${peer.source}: ${state}` });
  const message = state === "pending" ? "attested; waits for an operator's approval" : "the boot is right, but nobody stamped this TPM; waits for an operator";
  return { t: "waiting", state, message };
}

/**
 * A member's good verdict in the boot it was admitted in: the lease goes on and nothing else moves. No audit row, of which
 * a large cluster would write millions a day, unless something was amiss before. Null: it is no such verdict.
 */
function renew(context: HubContext, identity: Identity, facts: BootFacts, receivedMs: number): Outcome | null {
  const { store, ports, book, leases } = context;
  const { state } = identity;
  const member = book.member(identity.id);
  if (member === null || !isAdmitted(state) || state.facts.bootId !== facts.bootId) return null;
  if (keysOf(state.facts).join() !== keysOf(facts).join()) return null;
  if (findApproval(context, identity, facts)?.verified.approval.slot !== state.slot) return { t: "unbacked" };
  store.identities.apply(identity, { e: "renew", facts }, ports.clock.wallMs());
  keepLease(context, member, leases.untilAfter(receivedMs));
  const note = leases.note(identity.id);
  if (note !== null) store.audit.append({ actor: `node:${identity.id}`, action: "renew", subject: identity.id, detail: `passed after ${note}` });
  return { t: "approved" };
}

/** PCR 0–3: pinned by the first approval, compared ever after (DESIGN §2.5). */
export function baselineOf(facts: BootFacts): Baseline {
  return facts.firmware;
}

function refused(code: HubCode, message: string, retryAfterMs: number): Outcome {
  return { t: "refused", code, message, retryAfterMs };
}
