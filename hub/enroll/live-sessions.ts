import type { AttestCode } from "../attest/codes.ts";
import type { HubCode } from "../codes.ts";

/** Why a stream ends. */
export interface StreamEnd {
  readonly code: HubCode | AttestCode;
  readonly message: string;
  readonly retryAfterMs: number;
}

/** What happens to whoever is live as an identity, in one stream or, while it is unknown which counts, in more. */
export interface LiveIdentity {
  /** An operator approved it: hand out the admission. */
  approved(): void;
  /** Something that its last verdict rested on is no longer so: ask for evidence now. */
  renew(): void;
  /** Ends the stream with a refusal. */
  refuse(end: StreamEnd): void;
}

/** One stream whose machine has proved to be this identity. */
export interface LiveSession extends LiveIdentity {
  /** Address of the machine, for people. */
  readonly source: string;
  /** A newer stream of the identity has passed its verdict: from here on it has to be asked whether anybody is still there (trial.ts), and gets nothing new. */
  putOnTrial(): void;
  /** No older stream is left. */
  prevail(): void;
}

/**
 * The live streams of each identity, oldest first: one, or more for as long as it isn't known whether the older ones are
 * dead. The newest waits; each older one is on trial and never comes out of it as it was: it ends, or it answers, and then
 * there are two machines with one TPM.
 */
export class LiveSessions {
  readonly #streams = new Map<string, readonly LiveSession[]>();

  /** Whoever is live as this identity; null: nobody. */
  get(id: string): LiveIdentity | null {
    const streams = this.#streams.get(id);
    if (streams === undefined) return null;
    // Newest first: nobody prevails by the end of those before it.
    const each = streams.toReversed();
    return {
      approved: () => each.forEach((s) => s.approved()),
      renew: () => each.forEach((s) => s.renew()),
      refuse: (end) => each.forEach((s) => s.refuse(end)),
    };
  }

  /** Where its machines are, oldest stream first. */
  sources(id: string): readonly string[] {
    return (this.#streams.get(id) ?? []).map((s) => s.source);
  }

  /** Takes in a stream whose evidence has just passed, and puts all others on trial. True: there are no others. */
  join(id: string, session: LiveSession): boolean {
    const older = (this.#streams.get(id) ?? []).filter((s) => s !== session);
    this.#streams.set(id, [...older, session]);
    // One that can't even be asked ends at once, and the last of them lets the newest in from here.
    for (const stream of older) stream.putOnTrial();
    return older.length === 0;
  }

  /** Forgets a stream that has ended; who is then left alone prevails. */
  leave(id: string, session: LiveSession): void {
    const before = this.#streams.get(id) ?? [];
    const left = before.filter((s) => s !== session);
    if (left.length === before.length) return;
    if (left.length > 0) this.#streams.set(id, left);
    else this.#streams.delete(id);
    if (left.length === 1) left[0]?.prevail();
  }

  /** Identities that are live. */
  get size(): number {
    return this.#streams.size;
  }
}
