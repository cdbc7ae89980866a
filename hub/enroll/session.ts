import type { Evidence, NodeMessage } from "../../proto/gen/kubedos/v1/node.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { challengeMessage } from "../rpc/messages.ts";
import { Answers } from "./answers.ts";
import { type Answer, appraise, type Outcome } from "./appraise.ts";
import { contends, endCopies, noteSuperseded } from "./contest.ts";
import { expelIfOut } from "./expel.ts";
import { challengeKeys, greet } from "./greet.ts";
import type { HubContext } from "./hub-context.ts";
import type { LiveSession, StreamEnd } from "./live-sessions.ts";
import type { PeerFacts } from "./peer-facts.ts";
import { askedOf, isProven, keysOfState, type SessionPort, type SessionState, SUPERSEDED } from "./session-state.ts";
import { Standing } from "./standing.ts";
import { StreamOut } from "./stream-out.ts";
import { Trial } from "./trial.ts";

/**
 * One Attach stream, without gRPC: messages in by {@link take}, time by {@link tick}, messages out by the port. Hello →
 * challenge → evidence → verdict, and from then on the machine's {@link Standing}, with a new challenge at each renewal; anything out of
 * this order ends the stream with `PROTOCOL_ERROR`. Where another stream of the identity is live, the verdict is followed by the
 * question whether that one still answers (DESIGN §2.11). Everything that must outlive the stream is in the database before the
 * node hears of it.
 */
export class Session implements LiveSession {
  readonly #context: HubContext;
  readonly #peer: PeerFacts;
  readonly #answers: Answers;
  readonly #out: StreamOut;
  #state: SessionState = { t: "new" };
  /** The question whether anybody is still there; from here on the stream gets nothing new. */
  #trial: Trial | null = null;
  #id = "";

  constructor(context: HubContext, peer: PeerFacts, port: SessionPort) {
    this.#context = context;
    this.#peer = peer;
    this.#answers = new Answers(context, peer);
    this.#out = new StreamOut({ port, log: context.ports.log, source: peer.source, leave: () => this.closed() });
  }

  /** Where its machine is. */
  get source(): string {
    return this.#peer.source;
  }

  /** Whether the machine has passed its verdict: until then the stream has a time limit. */
  get proven(): boolean {
    return isProven(this.#state);
  }

  /** One message of the node. Never throws: a fault of ours ends this stream with `INTERNAL` and is logged. */
  take(message: NodeMessage): void {
    this.#out.guarded(() => this.#dispatch(message));
    this.#answers.taken();
  }

  /** Before {@link take}: resolves when another thread has judged this evidence, and no message may be taken until then. Null: nothing to wait for. Throws what the database throws. */
  judgeAhead(message: NodeMessage): Promise<void> | null {
    // On trial the secret alone decides, and at once.
    return this.#answers.judgeAhead(message, this.#trial === null ? askedOf(this.#state) : null);
  }

  /** Time has passed: renews the verdict when that is due, and ends the stream of a machine that doesn't answer. */
  tick(lateMs: number): void {
    // Evidence that is being judged came in time.
    if (this.#answers.isWaiting) return;
    const trial = this.#trial;
    if (trial !== null) return this.#out.guarded(() => this.#tickTrial(trial, lateMs));
    if (this.#state.t === "proven") this.#state.standing.tick(lateMs);
  }

  /** The stream ended, by the node or the network. */
  closed(): void {
    const state = this.#state;
    this.#state = { t: "closed" };
    this.#out.close();
    if (this.#id === "" || state.t === "closed") return;
    if (state.t === "proven") state.standing.leave();
    this.#context.live.leave(this.#id, this);
  }

  /** The node took too long to say hello or to answer. */
  timedOut(): void {
    if (!this.proven) this.#out.refuse({ code: "CHALLENGE_EXPIRED", message: "the evidence did not come in time", retryAfterMs: 1000 });
  }

  approved(): void {
    if (this.#state.t === "proven") this.#state.standing.approved();
  }

  renew(): void {
    if (this.#state.t === "proven") this.#state.standing.renew();
  }

  refuse({ code, message, retryAfterMs }: StreamEnd): void {
    this.#out.refuse({ code, message, retryAfterMs });
  }

  putOnTrial(): void {
    const state = this.#state;
    const keys = keysOfState(state);
    // One question is enough: who answers it was alive after the first newer stream had passed.
    if (keys === null || this.#trial !== null) return;
    this.#out.guarded(() => {
      const greeting = challengeKeys(this.#context, keys, this.#context.leases.trialMs);
      this.#trial = new Trial(greeting);
      if (state.t === "proven") state.standing.freeze();
      this.#out.send(challengeMessage(greeting));
    });
  }

  prevail(): void {
    const state = this.#state;
    if (state.t === "contending" && this.#trial === null) this.#out.guarded(() => this.#enter(state.held));
  }

  /** Tells a member how long it may use its peers; without `auditHead` it is looked up. */
  heartbeat(auditHead: string | null = null): void {
    if (this.#state.t === "proven") this.#state.standing.heartbeat(auditHead);
  }

  #dispatch({ body }: NodeMessage): void {
    const state = this.#state;
    switch (body?.$case) {
      case "hello": {
        if (state.t !== "new") return this.#outOfOrder("a second hello");
        const greeting = greet(this.#context, body.value, this.#peer);
        this.#id = greeting.id;
        this.#out.id = greeting.id;
        this.#state = { t: "challenged", greeting };
        return this.#out.send(challengeMessage(greeting));
      }
      case "evidence":
        return this.#trial === null ? this.#takeEvidence(body.value) : this.#takeOnTrial(body.value, this.#trial);
      case "planeAck":
        if (state.t !== "proven" || !state.standing.isAdmitted) return this.#outOfOrder("an acknowledgement before the admission");
        return this.#context.book.ack(this.#id, body.value.epoch, body.value.serial);
      case "report":
        return this.proven ? undefined : this.#outOfOrder("a report before the evidence");
      case undefined:
        return this.#outOfOrder("an empty message");
      default:
        return body satisfies never;
    }
  }

  #takeEvidence(message: Evidence): void {
    const state = this.#state;
    if (state.t === "challenged") {
      // Consumed before the verdict: whatever comes of it, this challenge is never judged again.
      this.#state = { t: "new" };
      const answer = this.#answers.to(state.greeting, message);
      if (!contends(this.#context, answer)) return this.#enter(answer);
      this.#state = { t: "contending", held: answer };
      if (this.#context.live.join(this.#id, this)) this.prevail();
      return;
    }
    const standing = state.t === "proven" ? state.standing : null;
    const greeting = standing?.renewal.spend() ?? null;
    if (standing === null || greeting === null) return this.#outOfOrder("evidence without a challenge");
    if (!equalBytes(new Uint8Array(message.claims), standing.renewal.claims)) return this.#outOfOrder("another set of claims in the same stream");
    const outcome = this.#appraise(this.#answers.to(greeting, message));
    if (outcome !== null) standing.renewed(outcome);
  }

  /** The evidence of a stream's first challenge, when no other stream of the identity is in its way. */
  #enter(answer: Answer): void {
    const outcome = this.#appraise(answer);
    if (outcome === null) return;
    if (outcome.t === "unbacked") return this.#out.refuse({ code: "APPROVAL_INVALID", message: "no stored approval stands behind this node", retryAfterMs: 5000 });
    const standing = new Standing(this.#context, this.#out, { id: this.#id, source: this.#peer.source, answer });
    this.#state = { t: "proven", standing };
    this.#context.live.join(this.#id, this);
    standing.begin(outcome);
  }

  /** The full verdict and what follows from a bad one; null: the stream is over. */
  #appraise(answer: Answer): Exclude<Outcome, { t: "refused" }> | null {
    const { id } = answer.greeting;
    const outcome = appraise(this.#context, answer);
    expelIfOut(this.#context, id);
    if (outcome.t !== "refused") return outcome;
    this.#out.refuse({ ...outcome, id });
    if (this.#context.store.identities.byId(id)?.state.t === "quarantined") this.#context.live.get(id)?.refuse(outcome);
    return null;
  }

  #takeOnTrial(message: Evidence, trial: Trial): void {
    if (trial.isAnsweredBy(new Uint8Array(message.secret))) return endCopies(this.#context, this.#answers.to(trial.greeting, message));
    // The answer to what was asked before the trial: it was perhaps under way already, so it says nothing about now.
    const state = this.#state;
    if (state.t === "proven" && state.standing.renewal.spend() !== null) return;
    this.#outOfOrder("evidence without a challenge");
  }

  #tickTrial(trial: Trial, lateMs: number): void {
    if (!trial.isOver(this.#context.ports.clock.monotonicMs(), lateMs)) return;
    noteSuperseded(this.#context, this.#id, this.#peer.source);
    this.#out.refuse(SUPERSEDED);
  }

  #outOfOrder(what: string): void {
    this.#out.refuse({ code: "PROTOCOL_ERROR", message: `${what} is not allowed here`, retryAfterMs: 10_000 });
  }
}
