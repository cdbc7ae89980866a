import type { Known, Verdict } from "../attest/types.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { type Answer, isOwn, knownFor } from "./appraise.ts";
import type { HubContext } from "./hub-context.ts";

/** A verdict that was made by another thread before anything was decided, and all that it depends on beside the answer itself. */
export interface Ahead {
  readonly known: Known;
  readonly verdict: Verdict;
}

/**
 * Has another thread judge an answer before its stream takes it up; resolves with the answer and what was made of it. Null: there is no other
 * thread, or nothing to judge (what doesn't bring the secret is refused before it costs anything). The verdict is a pure function, so
 * whoever decides later asks {@link verdictAhead} whether it would still be the same. Throws what the database throws.
 */
export function judgeAhead(context: HubContext, answer: Answer): Promise<Answer> | null {
  const { ahead } = context.ports.judge;
  if (ahead === undefined || !isOwn(answer)) return null;
  const identity = context.store.identities.byId(answer.greeting.id);
  if (identity === null) return null;
  const known = knownFor(context, identity, answer);
  return ahead(answer.evidence, answer.greeting.challenge, known).then((verdict) => ({ ...answer, ahead: { known, verdict } }));
}

/** The verdict that was made ahead, if nothing that it depends on has changed meanwhile: an operator may have decided, a release been withdrawn. */
export function verdictAhead({ ahead }: Answer, known: Known): Verdict | null {
  return ahead !== undefined && isSame(ahead.known, known) ? ahead.verdict : null;
}

function isSame(a: Known, b: Known): boolean {
  return (
    a.cluster === b.cluster &&
    a.now === b.now &&
    a.pinnedRole === b.pinnedRole &&
    // One answer has one of each; another object is another answer.
    a.lastClock === b.lastClock &&
    (a.peerKey === b.peerKey || (a.peerKey !== null && b.peerKey !== null && equalBytes(a.peerKey, b.peerKey))) &&
    isSameList(a.releases, b.releases, (x, y) => x === y) &&
    isSameList(a.otherReleases ?? [], b.otherReleases ?? [], (x, y) => x.release === y.release && x.withdrawn === y.withdrawn) &&
    JSON.stringify([a.ekCertificate, a.baseline]) === JSON.stringify([b.ekCertificate, b.baseline])
  );
}

function isSameList<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((x, i) => b[i] !== undefined && same(x, b[i]));
}
