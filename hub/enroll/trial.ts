import { equalBytes } from "../../proto/wire/bytes.ts";
import type { Greeting } from "./greet.ts";

/**
 * The question that ends an old stream (DESIGN §2.11). A newer stream of the same identity has passed its verdict, and an
 * agent never goes back to a stream that it left: so whoever still answers this one is a second machine with the same TPM, and
 * who doesn't answer in time was a dead connection. The challenge is made after the newer stream's evidence: no answer that
 * was under way before can pass for one to it. Pure but for its own deadline.
 */
export class Trial {
  readonly greeting: Greeting;
  #untilMs: number;

  /** The challenge's own times are the trial's. */
  constructor(greeting: Greeting) {
    this.greeting = greeting;
    this.#untilMs = greeting.challenge.expiresAt;
  }

  /**
   * Whether these are the words of a TPM that is alive on the old stream: nobody else opens the credential. What the quote
   * beside it says is of no importance here: two copies of one TPM have clocks of their own, and a copy may run what it likes.
   */
  isAnsweredBy(secret: Uint8Array): boolean {
    return equalBytes(secret, this.greeting.challenge.secret);
  }

  /** Whether nobody has answered in time. The hub itself was stopped for `lateMs` up to now: as far as the question was out by then, that is nobody's time-out. */
  isOver(nowMs: number, lateMs: number): boolean {
    this.#untilMs += Math.min(lateMs, nowMs - this.greeting.challenge.issuedAt);
    return nowMs >= this.#untilMs;
  }
}
