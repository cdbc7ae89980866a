import type { HubPorts } from "../ports.ts";
import type { Greeting } from "./greet.ts";
import type { LeaseTimes } from "./lease-book.ts";

/** Renewals begin within this last part of their interval, each stream at a moment of its own: a thousand nodes that attached together don't answer together. */
const SPREAD = 0.2;

type Keys = Pick<Greeting, "id" | "ekPublic" | "akPublic">;

/** When one stream's verdict is given anew, and the challenge that is out. Begins with a verdict that has just passed. */
export class Renewal {
  readonly #ports: Pick<HubPorts, "clock" | "entropy">;
  readonly #times: LeaseTimes;
  readonly keys: Keys;
  /** What the stream's first evidence claimed; every later one claims the same bytes. */
  readonly claims: Uint8Array;
  #dueMs: number;
  #asked: { readonly greeting: Greeting; readonly untilMs: number } | null = null;
  /** Evidences of this stream so far, and the number of the newest that counts. */
  #answers = 1;
  #verdicts = 1;

  constructor(ports: Pick<HubPorts, "clock" | "entropy">, times: LeaseTimes, from: { readonly keys: Keys; readonly claims: Uint8Array }) {
    this.#ports = ports;
    this.#times = times;
    this.keys = { id: from.keys.id, ekPublic: from.keys.ekPublic, akPublic: from.keys.akPublic };
    this.claims = from.claims;
    this.#dueMs = this.#next();
  }

  /** Number of the evidence of this stream that the lease rests on, counted from 1. */
  get verdicts(): number {
    return this.#verdicts;
  }

  get isDue(): boolean {
    return this.#asked === null && this.#ports.clock.monotonicMs() >= this.#dueMs;
  }

  get isOverdue(): boolean {
    return this.#asked !== null && this.#ports.clock.monotonicMs() >= this.#asked.untilMs;
  }

  /** Makes a challenge, unless one is out already (null). */
  ask(challenge: (keys: Keys) => Greeting): Greeting | null {
    if (this.#asked !== null) return null;
    const greeting = challenge(this.keys);
    this.#asked = { greeting, untilMs: this.#ports.clock.monotonicMs() + this.#times.answerMs };
    return greeting;
  }

  /** The hub itself was stopped for `ms`: that is nobody's time-out. */
  postpone(ms: number): void {
    if (this.#asked === null || ms === 0) return;
    const { greeting, untilMs } = this.#asked;
    const challenge = { ...greeting.challenge, expiresAt: greeting.challenge.expiresAt + ms };
    this.#asked = { greeting: { ...greeting, challenge }, untilMs: untilMs + ms };
  }

  /** The challenge that is out; null: none is. */
  get asked(): Greeting | null {
    return this.#asked?.greeting ?? null;
  }

  /** The challenge that is out; it is out no longer. */
  spend(): Greeting | null {
    const greeting = this.#asked?.greeting ?? null;
    if (greeting !== null) this.#answers++;
    this.#asked = null;
    return greeting;
  }

  /** The answer was judged and didn't fail; `renewed` only if the lease rests on it now. */
  judged(renewed: boolean): void {
    if (renewed) this.#verdicts = this.#answers;
    this.#dueMs = this.#next();
  }

  #next(): number {
    const random = (this.#ports.entropy.bytes(1)[0] ?? 0) / 256;
    return this.#ports.clock.monotonicMs() + this.#times.renewMs * (1 - SPREAD * random);
  }
}
