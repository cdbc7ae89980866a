import type { AttestCode } from "../attest/codes.ts";
import { type Finding, placeOf } from "../attest/finding.ts";
import { refusedVerdict } from "../attest/refused-verdict.ts";
import type { Baseline, Known, UnverifiedEvidence, Verdict } from "../attest/types.ts";
import type { Identity } from "../db/identities.ts";
import type { HubCode } from "../codes.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { compareClock, forked } from "../attest/clock.ts";
import { bootFacts, clockOf, keysOf } from "./boot-facts.ts";
import { certificateOf, judgeCertificate, pinnedSlot, slotOfEk } from "./ek-anchor.ts";
import { findApproval } from "./find-approval.ts";
import { type Greeting, pastRefusal } from "./greet.ts";
import type { HubContext } from "./hub-context.ts";
import { type Ahead, verdictAhead } from "./judge-ahead.ts";
import { keepLease } from "./leases.ts";
import type { PeerFacts } from "./peer-facts.ts";
import { sayWhichPart } from "./say-which-part.ts";
import { type BootFacts, isAdmitted } from "./state.ts";

/** What follows from one evidence. */
export type Outcome =
  | { readonly t: "refused"; readonly code: HubCode | AttestCode; readonly message: string; readonly retryAfterMs: number }
  | { readonly t: "waiting"; readonly state: "pending" | "unanchored" | "quarantined"; readonly message: string }
  | { readonly t: "approved" }
  /** The evidence passed, but no operator's statement stands behind this member any longer: nothing is renewed, and remove-unbacked.ts decides. */
  | { readonly t: "unbacked" };

/** A machine that failed may ask again after a reboot; asking at once with the same boot gives the same answer. */
const RETRY_MS = 60_000;
/** Only its firmware differs from the one on record: the next evidence waits for an operator. */
const RETRY_TO_WAIT_MS = 5000;
/** Verdicts that say something about us or about time, not about the machine. A check that broke is none: that counts as no (P29b). */
const NOT_THE_MACHINE: readonly AttestCode[] = ["NO_RELEASE", "CHALLENGE_INVALID", "NONCE_EXPIRED"];

/** One answer to one challenge, as a stream brought it. */
export interface Answer {
  readonly greeting: Greeting;
  readonly evidence: UnverifiedEvidence;
  readonly peer: PeerFacts;
  /** When it came, on the boot clock: the lease counts from here, and what the verdict itself takes is no gift. */
  readonly receivedMs: number;
  /** What another thread has made of it, see judgeAhead. */
  readonly ahead?: Ahead;
}

/** Whether the challenge's secret came back: only the TPM that holds both keys could open it. */
export function isOwn({ greeting, evidence }: Pick<Answer, "greeting" | "evidence">): boolean {
  return equalBytes(evidence.secret, greeting.challenge.secret);
}

/** The verdict alone; nothing follows from it yet. */
export function judgeAnswer(context: HubContext, identity: Identity, answer: Answer): Verdict {
  const known = knownFor(context, identity, answer);
  return verdictAhead(answer, known) ?? context.ports.judge(answer.evidence, answer.greeting.challenge, known);
}

/** All that the verdict depends on beside the answer, as it is now. */
export function knownFor(context: HubContext, identity: Identity, answer: Answer): Known {
  const { image, releases } = context;
  const { greeting, peer, receivedMs } = answer;
  const shown = !isOwn(answer) ? null : greeting.shown === null ? certificateOf(context, identity) : judgeCertificate(context, identity, greeting.shown);
  return {
    cluster: image.cluster,
    peerKey: peer.spki,
    releases: releases.current,
    otherReleases: releases.others,
    pinnedRole: slotOfEk(context, identity.ekName)?.role ?? null,
    ekCertificate: shown,
    baseline: identity.baseline,
    lastClock: greeting.lastClock,
    now: receivedMs,
  };
}

/**
 * Judges one evidence and makes the transitions that follow, all in one transaction. The challenge was dropped by the
 * caller before. Evidence that doesn't bring the challenge's secret could be anybody's who knows the public EK: it is
 * refused, and moves nobody who has ever proved anything.
 */
export function appraise(context: HubContext, answer: Answer): Outcome {
  const { ports, store } = context;
  const { greeting, evidence, peer, receivedMs } = answer;
  const identity = store.identities.byId(greeting.id);
  if (identity === null) return refused("CHALLENGE_EXPIRED", "the hub has forgotten this challenge", 1000);
  const pinnedRole = slotOfEk(context, identity.ekName)?.role ?? null;
  const verdict = sayWhichPart(context, identity, answer, judgeAnswer(context, identity, answer));
  const otherFirmware = judgeOtherFirmware(context, identity, answer, verdict);
  const own = isOwn(answer);
  const outcome = store.transaction(() => {
    // Read again: an operator may have decided between hello and evidence.
    const read = store.identities.byId(identity.id) ?? identity;
    const clock = clockOf(verdict);
    const order = clock === null ? "younger" : compareClock(clock, clock.bootId, read.lastClock);
    const current = clock === null ? read : store.identities.raiseClock(read, clock);
    const past = pastRefusal(current, ports.clock.wallMs());
    if (past !== null) return refused(past.code, past.message, past.retryAfterMs);
    if (verdict.ok && order === "older") {
      // A later challenge of this EK was answered first. An old stream's last words look like this, so it moves nobody.
      return refused("SUPERSEDED", "newer evidence of this identity came first", 1000);
    }
    if (verdict.ok && !context.releases.isCurrent(verdict.facts.release.id)) {
      return refused("RELEASE_NOT_CURRENT", "the release was withdrawn while the evidence was judged", 1000);
    }
    if (own && !current.proven) {
      const full = takePlace(context, current);
      if (full !== null) return full;
    }
    // A stranger's bytes aren't kept: only who has a TPM and a place in the window can fill the disk.
    if (own) {
      if (greeting.shown !== null) store.ekCertificates.keep(current.id, greeting.shown);
      store.evidence.put(current.id, { evidence, challenge: greeting.challenge, peerKey: peer.spki, pinnedRole, code: verdict.ok ? "" : verdict.code }, ports.clock.wallMs());
    }
    // Two boots on one reset of a TPM, where the other one's evidence came between this challenge and its answer.
    const fork = clock === null || read.lastClock === null || order !== "forked" ? null : refusedVerdict(forked(clock.resetCount, clock.bootId, read.lastClock));
    if (verdict.ok && fork !== null) return fail(context, current, { verdict: fork, own, peer });
    // What put a node into quarantine stays to be seen: whoever approves it anew decides about that.
    if (verdict.ok && current.state.t !== "quarantined") store.evidence.putFindings(current.id, []);
    if (verdict.ok) return pass(context, current, bootFacts(verdict.facts), peer, receivedMs);
    return fail(context, current, { verdict, own, peer, ...(otherFirmware !== null && order === "younger" && { facts: otherFirmware }) });
  });
  if (outcome.t === "waiting" || outcome.t === "approved") context.leases.passed(identity.id, receivedMs);
  if (outcome.t === "unbacked") context.breaker.doubted = true;
  return outcome;
}

/**
 * Facts of evidence against which nothing stands but the firmware of the old approval; null: it is no such evidence. That check is the
 * last of all, so the second verdict is the whole first one without it.
 */
function judgeOtherFirmware(context: HubContext, identity: Identity, answer: Answer, verdict: Verdict): BootFacts | null {
  if (verdict.ok || verdict.code !== "FIRMWARE_CHANGED") return null;
  const again = judgeAnswer(context, { ...identity, baseline: null }, answer);
  return again.ok ? bootFacts(again.facts) : null;
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

interface Failure {
  readonly verdict: Extract<Verdict, { ok: false }>;
  readonly own: boolean;
  readonly peer: PeerFacts;
  /** See {@link judgeOtherFirmware}. */
  readonly facts?: BootFacts;
}

function fail(context: HubContext, identity: Identity, { verdict, own, peer, facts }: Failure): Outcome {
  const { store, ports, leases } = context;
  const { code, message } = verdict;
  const now = ports.clock.wallMs();
  const counts = (own || !identity.proven) && !NOT_THE_MACHINE.includes(code);
  store.audit.append({ actor: `node:${identity.id}`, action: counts ? "reject" : "refuse", subject: identity.id, code, detail: `${peer.source}: ${message}` });
  if (counts) {
    store.evidence.putFindings(identity.id, verdict.findings);
    if (facts !== undefined) {
      const owner = store.identities.ownerOfKey(keysOf(facts), identity.id);
      if (owner !== null) return keyConflict(context, identity, peer, owner);
      store.identities.setKeys(identity.id, keysOf(facts));
    }
    const after = store.identities.apply(identity, { e: "failed", code, message: message.slice(0, 2048), ...(facts && { facts }) }, now);
    if (after.state.t === "quarantined") {
      // What failed stays out until an operator decides anew. The firmware on record stays, so that he sees what changed.
      store.approvals.void(identity.ekName, identity.generation, now);
      leases.drop(identity.id);
    }
    if (facts !== undefined && identity.state.t === "quarantined") return staysQuarantined(code);
  }
  return { t: "refused", code, message: sentence(verdict.findings[0], message), retryAfterMs: !counts ? 5000 : facts === undefined ? RETRY_MS : RETRY_TO_WAIT_MS };
}

/** Its evidence is good now, and it may wait on its stream: what leads out is an operator's approval alone. */
function staysQuarantined(code: string): Outcome {
  return { t: "waiting", state: "quarantined", message: `attested, but it stays quarantined (${code}) until an operator approves it anew` };
}

function keyConflict({ store }: HubContext, { id }: Identity, peer: PeerFacts, owner: string): Outcome {
  store.audit.append({ actor: `node:${id}`, action: "conflict", subject: id, code: "CONFLICT", detail: `${peer.source}: a key in the claims belongs to ${owner}` });
  return refused("CONFLICT", "a key in the claims belongs to another identity", RETRY_MS);
}

/** The machine's own console shows it: the first difference is worth more than the general sentence. */
function sentence(finding: Finding | undefined, message: string): string {
  return finding === undefined ? message : `${message} (${placeOf(finding)}: ${finding.what})`.slice(0, 1024);
}

function pass(context: HubContext, identity: Identity, facts: BootFacts, peer: PeerFacts, receivedMs: number): Outcome {
  const { store, ports } = context;
  const now = ports.clock.wallMs();
  const keys = keysOf(facts);
  const conflict = (detail: string): void =>
    store.audit.append({ actor: `node:${identity.id}`, action: "conflict", subject: identity.id, code: "CONFLICT", detail: `${peer.source}: ${detail}` });
  const owner = store.identities.ownerOfKey(keys, identity.id);
  if (owner !== null) return keyConflict(context, identity, peer, owner);
  const renewed = renew(context, identity, facts, receivedMs);
  if (renewed !== null) return renewed;
  store.identities.setKeys(identity.id, keys);
  const attested = store.identities.apply(identity, { e: "passed", facts }, now);
  if (attested.state.t === "quarantined") {
    const { code } = attested.state;
    store.audit.append({ actor: `node:${identity.id}`, action: "attest", subject: identity.id, code, detail: `${peer.source}: passed, and stays quarantined` });
    return staysQuarantined(code);
  }
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
  const claimed = facts.claimedSlot === null ? undefined : pinnedSlot(context, facts.claimedSlot);
  // The hint is untrusted, so the claim alone takes nothing from anybody and gives nothing; but it is never silent.
  const foreign = claimed !== undefined && claimed.ekName !== null && claimed.ekName !== identity.ekName;
  if (foreign) conflict(`claims slot ${claimed.name}, which is pinned to another endorsement key`);
  const state = waiting.state.t === "pending" ? "pending" : "unanchored";
  store.audit.append({ actor: `node:${identity.id}`, action: "attest", subject: identity.id, code: state === "unanchored" ? "UNANCHORED" : "", detail: `${peer.source}: ${state}` });
  const message = state === "pending" ? "attested; waits for an operator's approval" : "the boot is right, but nobody vouches for this TPM; waits for an operator";
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

function refused(code: HubCode | AttestCode, message: string, retryAfterMs: number): Outcome {
  return { t: "refused", code, message, retryAfterMs };
}
