import type { HubCode } from "../codes.ts";
import type { Clock } from "../ports.ts";

/** How long everything about a lease takes (DESIGN §2.10); milliseconds. */
export interface LeaseTimes {
  /** How long a verdict counts. */
  readonly leaseMs: number;
  /** How often it is given anew; also how young it must be for a new right. */
  readonly renewMs: number;
  /** How long a machine may take for its evidence. */
  readonly answerMs: number;
  /** How often each node hears how long it may use its peers. */
  readonly heartbeatMs: number;
}

/** What went wrong with a lease without any verdict against the machine. */
export type LeaseNote = Extract<HubCode, "LEASE_TIMEOUT" | "LEASE_ENDED">;

interface Lease {
  readonly untilMs: number;
  /** Null: before this start of the hub, so too old for anything new. */
  readonly judgedMs: number | null;
  readonly note: LeaseNote | null;
}

/** The verdicts that count now, each with its end on the boot clock. Not persistent: leases.ts keeps those of members. */
export class LeaseBook {
  readonly times: LeaseTimes;
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();

  constructor(times: LeaseTimes, clock: Clock) {
    this.times = times;
    this.#clock = clock;
  }

  /** How long an old stream may take to show that it is alive: the newer one's evidence must still be fresh afterwards. */
  get trialMs(): number {
    return Math.min(this.times.answerMs, this.times.renewMs / 2);
  }

  /** When a verdict given at `judgedMs` ends. */
  untilAfter(judgedMs: number): number {
    return judgedMs + this.times.leaseMs;
  }

  /** The evidence that came at `judgedMs` passed. */
  passed(id: string, judgedMs: number): void {
    this.#leases.set(id, { untilMs: this.untilAfter(judgedMs), judgedMs, note: null });
  }

  /** A lease of before the hub's start. */
  restore(id: string, untilMs: number, note: LeaseNote | null): void {
    this.#leases.set(id, { untilMs, judgedMs: null, note });
  }

  /** Something other than a verdict happened; the end stays where it is. */
  annotate(id: string, note: LeaseNote): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined) this.#leases.set(id, { ...lease, note });
  }

  /** The verdict counts no longer: failed, revoked. */
  drop(id: string): void {
    this.#leases.delete(id);
  }

  /** End of the lease on the boot clock; 0 where there is none. */
  untilMs(id: string): number {
    return this.#leases.get(id)?.untilMs ?? 0;
  }

  /** How long the verdict still counts; 0 when it doesn't. */
  remainingMs(id: string): number {
    return Math.max(0, this.untilMs(id) - this.#clock.monotonicMs());
  }

  /** Whether the verdict is younger than one renewal: nothing new is given on an older one. */
  isFresh(id: string): boolean {
    const judged = this.#leases.get(id)?.judgedMs ?? null;
    return judged !== null && this.#clock.monotonicMs() - judged < this.times.renewMs;
  }

  note(id: string): LeaseNote | null {
    return this.#leases.get(id)?.note ?? null;
  }
}
