import type { Evidence, HubMessage, NodeMessage } from "../../proto/gen/kubedos/v1/node.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import type { PlaneChange, PlaneLink } from "../planes/plane-book.ts";
import { admissionMessage, challengeMessage, evidenceOf, planeUpdateMessage } from "../rpc/messages.ts";
import { type AdmissionFacts, commitAdmission, prepareAdmission } from "./admit.ts";
import { type Answer, appraise, type Outcome } from "./appraise.ts";
import { contends, endCopies, noteSuperseded } from "./contest.ts";
import { expelIfOut } from "./expel.ts";
import { challengeKeys, type Greeting, greet } from "./greet.ts";
import { heartbeatOf } from "./heartbeat.ts";
import type { HubContext } from "./hub-context.ts";
import { judgeAhead } from "./judge-ahead.ts";
import { noteTimeout } from "./leases.ts";
import type { LiveSession, StreamEnd } from "./live-sessions.ts";
import type { PeerFacts } from "./peer-facts.ts";
import { Renewal } from "./renewal.ts";
import { askedOf, INTERNAL, isProven, keysOfState, refusalOf, type RefusalFacts, type SessionPort, type SessionState, SUPERSEDED } from "./session-state.ts";
import { Trial } from "./trial.ts";

/**
 * One Attach stream, without gRPC: messages in by {@link take}, time by {@link tick}, messages out by the port. Hello →
 * challenge → evidence → verdict → waiting or admission, and from then on a new challenge at each renewal; anything out of
 * this order ends the stream with `PROTOCOL_ERROR`. Where another stream of the identity is live, the verdict is followed by the
 * question whether that one still answers (DESIGN §2.11). Everything that must outlive the stream is in the database before the
 * node hears of it.
 */
export class Session implements LiveSession {
  readonly #context: HubContext;
  readonly #peer: PeerFacts;
  readonly #port: SessionPort;
  #state: SessionState = { t: "new" };
  /** The question whether anybody is still there; from here on the stream gets nothing new. */
  #trial: Trial | null = null;
  #id = "";
  #early: Answer | null = null; // evidence that another thread judges, or has judged for the message that is taken now

  constructor(context: HubContext, peer: PeerFacts, port: SessionPort) {
    this.#context = context;
    this.#peer = peer;
    this.#port = port;
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
    this.#guarded(() => this.#dispatch(message));
    this.#early = null;
  }

  /** Before {@link take}: resolves when another thread has judged this evidence, and no message may be taken until then. Null: nothing to wait for. Throws what the database throws. */
  judgeAhead({ body }: NodeMessage): Promise<void> | null {
    // On trial the secret alone decides, and at once.
    const greeting = this.#trial === null ? askedOf(this.#state) : null;
    if (body?.$case !== "evidence" || greeting === null) return null;
    this.#early = this.#answerTo(greeting, body.value);
    return judgeAhead(this.#context, this.#early)?.then((answer) => void (this.#early = answer)) ?? null;
  }

  /** Time has passed: renews the verdict when that is due, and ends the stream of a machine that doesn't answer. */
  tick(lateMs: number): void {
    // Evidence that is being judged came in time.
    if (this.#early !== null) return;
    const trial = this.#trial;
    if (trial !== null) return this.#guarded(() => this.#tickTrial(trial, lateMs));
    const state = this.#state;
    if (state.t !== "waiting" && state.t !== "admitted") return;
    state.renewal.postpone(lateMs);
    if (state.renewal.isOverdue) return this.#timedOutRenewal();
    if (state.renewal.isDue) this.#guarded(() => this.#ask(state.renewal));
  }

  /** The stream ended, by the node or the network. */
  closed(): void {
    const state = this.#state;
    this.#state = { t: "closed" };
    if (this.#id === "" || state.t === "closed") return;
    if (state.t === "admitted") this.#context.book.leave(state.id, state.link);
    this.#context.live.leave(this.#id, this);
  }

  /** The node took too long to say hello or to answer. */
  timedOut(): void {
    if (!this.proven) this.#refuse({ code: "CHALLENGE_EXPIRED", message: "the evidence did not come in time", retryAfterMs: 1000, id: this.#id });
  }

  approved(): void {
    const state = this.#state;
    // On trial nothing new is given: the newer stream's own verdict finds the approval.
    if (state.t !== "waiting" || this.#trial !== null) return;
    // On an older verdict nothing new is given: the next one, asked for now, admits.
    if (this.#context.leases.isFresh(state.id)) this.#admit(state.id, state.renewal);
    else this.renew();
  }

  renew(): void {
    const state = this.#state;
    if ((state.t !== "waiting" && state.t !== "admitted") || this.#trial !== null) return;
    this.#guarded(() => this.#ask(state.renewal));
  }

  refuse(end: StreamEnd): void {
    this.#refuse({ ...end, id: this.#id });
  }

  putOnTrial(): void {
    const keys = keysOfState(this.#state);
    // One question is enough: who answers it was alive after the first newer stream had passed.
    if (keys === null || this.#trial !== null) return;
    this.#guarded(() => {
      const greeting = challengeKeys(this.#context, keys, this.#context.leases.trialMs);
      this.#trial = new Trial(greeting);
      this.#send(challengeMessage(greeting));
    });
  }

  prevail(): void {
    const state = this.#state;
    if (state.t === "contending" && this.#trial === null) this.#guarded(() => this.#enter(state.held));
  }

  /** Tells a member how long it may use its peers; without `auditHead` it is looked up. */
  heartbeat(auditHead: string | null = null): void {
    const body = heartbeatOf(this.#context, this.#state, auditHead);
    if (body !== null) this.#send(body);
  }

  #dispatch({ body }: NodeMessage): void {
    const state = this.#state;
    switch (body?.$case) {
      case "hello": {
        if (state.t !== "new") return this.#outOfOrder("a second hello");
        const greeting = greet(this.#context, body.value, this.#peer);
        this.#id = greeting.id;
        this.#state = { t: "challenged", greeting };
        return this.#send(challengeMessage(greeting));
      }
      case "evidence":
        return this.#trial === null ? this.#takeEvidence(body.value) : this.#takeOnTrial(body.value, this.#trial);
      case "planeAck":
        if (state.t !== "admitted") return this.#outOfOrder("an acknowledgement before the admission");
        return this.#context.book.ack(state.id, body.value.epoch, body.value.serial);
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
      const answer = this.#answerTo(state.greeting, message);
      if (!contends(this.#context, answer)) return this.#enter(answer);
      this.#state = { t: "contending", held: answer };
      if (this.#context.live.join(this.#id, this)) this.prevail();
      return;
    }
    const greeting = "renewal" in state ? state.renewal.spend() : null;
    if (greeting === null || !("renewal" in state)) return this.#outOfOrder("evidence without a challenge");
    if (!equalBytes(new Uint8Array(message.claims), state.renewal.claims)) return this.#outOfOrder("another set of claims in the same stream");
    this.#judgeRenewal(state.renewal, this.#answerTo(greeting, message));
  }

  /** The evidence of a stream's first challenge, when no other stream of the identity is in its way. */
  #enter(answer: Answer): void {
    const outcome = this.#appraise(answer);
    if (outcome === null) return;
    const id = this.#id;
    if (outcome.t === "unbacked") return this.#refuse({ code: "APPROVAL_INVALID", message: "no stored approval stands behind this node", retryAfterMs: 5000, id });
    const { ports, leases, live } = this.#context;
    const renewal = new Renewal(ports, leases.times, { keys: answer.greeting, claims: answer.evidence.claims });
    this.#state = { t: "waiting", id, renewal };
    live.join(id, this);
    if (outcome.t === "approved") return this.#admit(id, renewal);
    this.#send({ $case: "waiting", value: { id, state: outcome.state, message: outcome.message } });
  }

  #judgeRenewal(renewal: Renewal, answer: Answer): void {
    const outcome = this.#appraise(answer);
    const state = this.#state;
    if (outcome === null) return;
    renewal.judged(outcome.t !== "unbacked");
    if (state.t === "waiting" && outcome.t === "approved") return this.#admit(state.id, renewal);
    if (state.t !== "admitted") return;
    // A place that was lost while the evidence was on its way.
    if (outcome.t === "waiting") return this.#refuse({ code: "ALREADY_DECIDED", message: "the approval no longer holds", retryAfterMs: 1000, id: state.id });
    this.heartbeat();
  }

  /** The full verdict and what follows from a bad one; null: the stream is over. */
  #appraise(answer: Answer): Exclude<Outcome, { t: "refused" }> | null {
    const { id } = answer.greeting;
    const outcome = appraise(this.#context, answer);
    expelIfOut(this.#context, id);
    if (outcome.t !== "refused") return outcome;
    this.#refuse({ ...outcome, id });
    if (this.#context.store.identities.byId(id)?.state.t === "quarantined") this.#context.live.get(id)?.refuse(outcome);
    return null;
  }

  #takeOnTrial(message: Evidence, trial: Trial): void {
    if (trial.isAnsweredBy(new Uint8Array(message.secret))) return endCopies(this.#context, this.#answerTo(trial.greeting, message));
    // The answer to what was asked before the trial: it was perhaps under way already, so it says nothing about now.
    const state = this.#state;
    if ("renewal" in state && state.renewal.spend() !== null) return;
    this.#outOfOrder("evidence without a challenge");
  }

  #tickTrial(trial: Trial, lateMs: number): void {
    if (!trial.isOver(this.#context.ports.clock.monotonicMs(), lateMs)) return;
    noteSuperseded(this.#context, this.#id, this.#peer.source);
    this.refuse(SUPERSEDED);
  }

  #ask(renewal: Renewal): void {
    const { answerMs } = this.#context.leases.times;
    const greeting = renewal.ask((keys) => challengeKeys(this.#context, keys, answerMs));
    if (greeting !== null) this.#send(challengeMessage(greeting));
  }

  #timedOutRenewal(): void {
    noteTimeout(this.#context, this.#id, this.#peer.source);
    this.#refuse({ code: "LEASE_TIMEOUT", message: "the verdict was to be renewed and no evidence came", retryAfterMs: 1000, id: this.#id });
  }

  #admit(id: string, renewal: Renewal): void {
    this.#state = { t: "admitting", id, renewal };
    prepareAdmission(this.#context, id).then((admission) => this.#finishAdmission(admission), (error: unknown) => this.#fail(error));
  }

  #finishAdmission(admission: AdmissionFacts | null): void {
    const state = this.#state;
    // On trial nothing new is given.
    if (state.t !== "admitting" || this.#trial !== null) return;
    this.#guarded(() => {
      if (admission === null || !commitAdmission(this.#context, admission)) {
        return this.#refuse({ code: "ALREADY_DECIDED", message: "the approval no longer holds", retryAfterMs: 5000, id: this.#id });
      }
      const link: PlaneLink = { send: (change: PlaneChange) => this.#send(planeUpdateMessage(change)) };
      this.#state = { t: "admitted", id: admission.id, link, renewal: state.renewal };
      this.#send(admissionMessage(admission));
      this.#context.book.join(admission.member, link);
      this.heartbeat();
    });
  }

  #answerTo(greeting: Greeting, message: Evidence): Answer {
    if (this.#early?.greeting === greeting) return this.#early;
    return { greeting, evidence: evidenceOf(message, greeting), peer: this.#peer, receivedMs: this.#context.ports.clock.monotonicMs() };
  }

  #outOfOrder(what: string): void {
    this.#refuse({ code: "PROTOCOL_ERROR", message: `${what} is not allowed here`, retryAfterMs: 10_000, id: this.#id });
  }

  #guarded(work: () => void): void {
    if (this.#state.t === "closed") return;
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const refusal = refusalOf(error, this.#id);
    if (refusal === null) this.#context.ports.log.error("session failed", { id: this.#id, source: this.#peer.source, err: error });
    this.#refuse(refusal ?? { ...INTERNAL, id: this.#id });
  }

  #refuse(refusal: RefusalFacts): void {
    if (this.#state.t === "closed") return;
    const { code, message, retryAfterMs, id = "" } = refusal;
    this.#context.ports.log.info("refused", { code, id, source: this.#peer.source });
    this.#send({ $case: "refusal", value: { code, message, id, retryAfterMs } });
    this.closed();
    this.#port.end();
  }

  #send(body: NonNullable<HubMessage["body"]>): void {
    if (this.#state.t !== "closed") this.#port.send({ body });
  }
}
