import type { Entropy } from "../../hub/ports.ts";
import type { EvidenceFile } from "../../hub/cli/evidence-file.ts";

/**
 * The hub's randomness in a replay: real, except for the one challenge that {@link RecordedEntropy.expect} announces. A quote
 * answers exactly one nonce, so a recorded quote can only be judged by a hub that asks the recorded one again. Nothing but this
 * port makes it ask: a hub with its own entropy refuses the same evidence, which the replay shows too.
 */
export class RecordedEntropy implements Entropy {
  readonly #real: Entropy;
  #draws: readonly Uint8Array[] = [];

  constructor(real: Entropy) {
    this.#real = real;
  }

  /**
   * Makes the next challenge the recorded one. A greeting draws the secret, then what wraps it (40 bytes for the P-256 EKs of our
   * guests, so never 32), then the nonce. Should that change, the nonce that arrives isn't the recorded one and the replay fails.
   */
  expect({ secret, nonce }: EvidenceFile["challenge"]): void {
    this.#draws = [secret, nonce];
  }

  bytes(n: number): Uint8Array {
    const [next, ...rest] = this.#draws;
    if (next === undefined || next.length !== n) return this.#real.bytes(n);
    this.#draws = rest;
    return next;
  }
}
