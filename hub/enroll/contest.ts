import { compareClock } from "../attest/clock.ts";
import { HUB_CODES } from "../codes.ts";
import { type Answer, judgeAnswer } from "./appraise.ts";
import { clockOf } from "./boot-facts.ts";
import { expelIfOut } from "./expel.ts";
import type { HubContext } from "./hub-context.ts";
import type { StreamEnd } from "./live-sessions.ts";
import { INTERNAL, SUPERSEDED } from "./session-state.ts";

/**
 * Whether good evidence has come beside a live stream of the same identity: then nothing follows from it before that one was asked
 * whether it is still there (trial.ts). Evidence that fails, or that an older challenge asked for, is appraised like any other. Its clock counts from here on.
 */
export function contends(context: HubContext, answer: Answer): boolean {
  const { live, store, ports } = context;
  const { id } = answer.greeting;
  const identity = live.get(id) === null ? null : store.identities.byId(id);
  if (identity === null) return false;
  const verdict = judgeAnswer(context, identity, answer);
  const clock = verdict.ok ? clockOf(verdict) : null;
  if (clock === null) return false;
  const order = compareClock(clock, clock.bootId, identity.lastClock);
  if (order === "older" || order === "forked") return false;
  store.transaction(() => store.identities.raiseClock(identity, clock));
  ports.log.info("contested", { id, source: answer.peer.source });
  return true;
}

/**
 * Two machines have answered as one TPM; `answer` is the older stream's. Which of them is the right one can't be known, so the identity is
 * quarantined, whatever it was before: its approvals are void, peers drop it, and an operator decides. Ends every stream of it, also
 * where the database can't take it in: nobody prevails by that. Throws what the database threw.
 */
export function endCopies(context: HubContext, answer: Answer): void {
  const { live } = context;
  const { id } = answer.greeting;
  let end: StreamEnd = INTERNAL;
  try {
    end = quarantine(context, answer, live.sources(id));
  } finally {
    live.get(id)?.refuse(end);
  }
}

function quarantine(context: HubContext, answer: Answer, sources: readonly string[]): StreamEnd {
  const { store, ports } = context;
  const { id } = answer.greeting;
  const { text } = HUB_CODES.CLONE_DETECTED;
  store.transaction(() => {
    const read = store.identities.byId(id);
    if (read === null) return;
    const now = ports.clock.wallMs();
    const verdict = judgeAnswer(context, read, answer);
    const clock = clockOf(verdict);
    const identity = clock === null ? read : store.identities.raiseClock(read, clock);
    const detail = `live at ${[...new Set(sources)].join(" and ")}; the older stream answered with ${verdict.ok ? "good evidence" : verdict.code}`;
    store.audit.append({ actor: `node:${id}`, action: "clone", subject: id, code: "CLONE_DETECTED", detail });
    store.identities.apply(identity, { e: "failed", code: "CLONE_DETECTED", message: `${text} (${detail})` }, now);
    store.approvals.void(identity.ekName, identity.generation, now);
  });
  expelIfOut(context, id);
  // For good, as long as no operator decides: an agent that hears this drops its planes as well.
  return { code: "CLONE_DETECTED", message: text, retryAfterMs: 0 };
}

/** An old stream didn't answer in time: it was a dead connection, and the newer one takes its place. */
export function noteSuperseded(context: HubContext, id: string, source: string): void {
  const { code, message } = SUPERSEDED;
  context.store.transaction(() => context.store.audit.append({ actor: `node:${id}`, action: "supersede", subject: id, code, detail: `${source}: ${message}` }));
}
