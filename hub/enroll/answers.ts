import type { Evidence, NodeMessage } from "../../proto/gen/kubedos/v1/node.ts";
import { evidenceOf } from "../rpc/messages.ts";
import type { Answer } from "./appraise.ts";
import type { Greeting } from "./greet.ts";
import type { HubContext } from "./hub-context.ts";
import { judgeAhead } from "./judge-ahead.ts";
import type { PeerFacts } from "./peer-facts.ts";

/**
 * The evidence that one stream brings, as answers to its challenges: each with when it came, which is when it was first seen, also where
 * another thread judges it before its turn.
 */
export class Answers {
  readonly #context: HubContext;
  readonly #peer: PeerFacts;
  /** What another thread judges, or has judged for the message that is taken now. */
  #early: Answer | null = null;

  constructor(context: HubContext, peer: PeerFacts) {
    this.#context = context;
    this.#peer = peer;
  }

  /** Whether an answer is here whose message wasn't taken yet: it came in time, however long its verdict takes. */
  get isWaiting(): boolean {
    return this.#early !== null;
  }

  /** Resolves when another thread has judged this message's evidence; null: there is nothing to wait for. `asked`: the challenge that it answers. Throws what the database throws. */
  judgeAhead({ body }: NodeMessage, asked: Greeting | null): Promise<void> | null {
    if (body?.$case !== "evidence" || asked === null) return null;
    const early = this.to(asked, body.value);
    this.#early = early;
    return judgeAhead(this.#context, early)?.then((answer) => void (this.#early = answer)) ?? null;
  }

  /** The evidence as the answer to `greeting`, with the verdict that was made of it ahead. */
  to(greeting: Greeting, message: Evidence): Answer {
    if (this.#early?.greeting === greeting) return this.#early;
    return { greeting, evidence: evidenceOf(message, greeting), peer: this.#peer, receivedMs: this.#context.ports.clock.monotonicMs() };
  }

  /** Its message was taken. */
  taken(): void {
    this.#early = null;
  }
}
