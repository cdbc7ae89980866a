import type { HubMessage, NodeMessage } from "../../proto/gen/kubedos/v1/node.ts";
import type { AttestCode } from "../attest/codes.ts";
import type { HubCode } from "../codes.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import { HubError } from "../error.ts";
import type { PlaneChange, PlaneLink } from "../planes/plane-book.ts";
import { admissionMessage, challengeMessage, evidenceOf, planeUpdateMessage } from "../rpc/messages.ts";
import { type AdmissionFacts, commitAdmission, prepareAdmission } from "./admit.ts";
import { appraise, type Outcome } from "./appraise.ts";
import { expelIfOut } from "./expel.ts";
import { challengeKeys, type Greeting, greet, GreetingRefused } from "./greet.ts";
import type { HubContext } from "./hub-context.ts";
import { noteTimeout } from "./leases.ts";
import type { LiveSession } from "./live-sessions.ts";
import type { PeerFacts } from "./peer-facts.ts";
import { Renewal } from "./renewal.ts";

/** The other side of a session: one gRPC stream, or a test. */
export interface SessionPort {
  send(message: HubMessage): void;
  /** Ends the stream after what was sent. */
  end(): void;
}

/** Where one stream stands. `renewal` is there from the first verdict that passed. */
type SessionState =
  | { readonly t: "new" }
  | { readonly t: "challenged"; readonly greeting: Greeting }
  | { readonly t: "waiting"; readonly id: string; readonly renewal: Renewal }
  | { readonly t: "admitting"; readonly id: string; readonly renewal: Renewal }
  | { readonly t: "admitted"; readonly id: string; readonly renewal: Renewal; readonly link: PlaneLink }
  | { readonly t: "closed" };

interface RefusalFacts {
  readonly code: HubCode | AttestCode;
  readonly message: string;
  readonly retryAfterMs: number;
  readonly id?: string;
}

/**
 * One Attach stream, without gRPC: messages in by {@link take}, time by {@link tick}, messages out by the port. Hello →
 * challenge → evidence → verdict → waiting or admission, and from then on a new challenge at each renewal; anything out of
 * this order ends the stream with `PROTOCOL_ERROR`. Everything that must outlive the stream is in the database before the
 * node hears of it.
 */
export class Session implements LiveSession {
  readonly #context: HubContext;
  readonly #peer: PeerFacts;
  readonly #port: SessionPort;
  #state: SessionState = { t: "new" };
  #id = "";

  constructor(context: HubContext, peer: PeerFacts, port: SessionPort) {
    this.#context = context;
    this.#peer = peer;
    this.#port = port;
  }

  /** Whether the machine has passed its verdict: until then the stream has a time limit. */
  get proven(): boolean {
    return this.#state.t === "waiting" || this.#state.t === "admitting" || this.#state.t === "admitted";
  }

  /** One message of the node. Never throws: a fault of ours ends this stream with `INTERNAL` and is logged. */
  take(message: NodeMessage): void {
    this.#guarded(() => this.#dispatch(message));
  }

  /** Time has passed: renews the verdict when that is due, and ends the stream of a machine that doesn't answer. */
  tick(lateMs: number): void {
    const state = this.#state;
    if (state.t !== "waiting" && state.t !== "admitted") return;
    state.renewal.postpone(lateMs);
    if (state.renewal.isOverdue) return this.#timedOutRenewal();
    if (state.renewal.isDue) this.#guarded(() => this.#renew(state.renewal));
  }

  /** The stream ended, by the node or the network. */
  closed(): void {
    const state = this.#state;
    this.#state = { t: "closed" };
    if (this.#id === "") return;
    this.#context.live.unregister(this.#id, this);
    if (state.t === "admitted") this.#context.book.leave(state.id, state.link);
  }

  /** The node took too long to say hello or to answer. */
  timedOut(): void {
    this.#refuse({ code: "CHALLENGE_EXPIRED", message: "the evidence did not come in time", retryAfterMs: 1000, id: this.#id });
  }

  approved(): void {
    const state = this.#state;
    if (state.t !== "waiting") return;
    // On an older verdict nothing new is given: the next one, asked for now, admits.
    if (this.#context.leases.isFresh(state.id)) this.#admit(state.id, state.renewal);
    else this.#guarded(() => this.#renew(state.renewal));
  }

  refuse(refusal: { readonly code: HubCode | AttestCode; readonly message: string; readonly retryAfterMs: number }): void {
    this.#refuse({ ...refusal, id: this.#id });
  }

  /** Tells a member how long it may use its peers: what is left of its own lease, counted from now. */
  heartbeat(auditHead: string): void {
    const state = this.#state;
    if (state.t !== "admitted") return;
    const horizonMs = Math.floor(this.#context.leases.remainingMs(state.id));
    if (horizonMs === 0) return;
    const { epoch, serial } = this.#context.book;
    this.#send({ $case: "heartbeat", value: { epoch: BigInt(epoch), serial: BigInt(serial), auditHead, horizonMs, verdicts: state.renewal.verdicts } });
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
      case "evidence": {
        if (state.t === "challenged") {
          // Consumed before the verdict: whatever comes of it, this challenge is never judged again.
          this.#state = { t: "new" };
          return this.#judge(state.greeting, body.value);
        }
        const greeting = state.t === "waiting" || state.t === "admitted" || state.t === "admitting" ? state.renewal.spend() : null;
        if (greeting === null || !("renewal" in state)) return this.#outOfOrder("evidence without a challenge");
        if (!equalBytes(new Uint8Array(body.value.claims), state.renewal.claims)) return this.#outOfOrder("another set of claims in the same stream");
        return this.#judgeRenewal(state.renewal, greeting, body.value);
      }
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

  #judge(greeting: Greeting, message: Parameters<typeof evidenceOf>[0]): void {
    const { id } = greeting;
    const outcome = this.#appraise(greeting, message);
    if (outcome === null) return;
    if (outcome.t === "unbacked") return this.#refuse({ code: "APPROVAL_INVALID", message: "no stored approval stands behind this node", retryAfterMs: 5000, id });
    this.#takeOver(id);
    const { times } = this.#context.leases;
    const renewal = new Renewal(this.#context.ports, times, { keys: greeting, claims: new Uint8Array(message.claims) });
    if (outcome.t === "approved") return this.#admit(id, renewal);
    this.#state = { t: "waiting", id, renewal };
    this.#send({ $case: "waiting", value: { id, state: outcome.state, message: outcome.message } });
  }

  #judgeRenewal(renewal: Renewal, greeting: Greeting, message: Parameters<typeof evidenceOf>[0]): void {
    const outcome = this.#appraise(greeting, message);
    const state = this.#state;
    if (outcome === null) return;
    renewal.judged(outcome.t !== "unbacked");
    if (state.t === "waiting" && outcome.t === "approved") return this.#admit(state.id, renewal);
    if (state.t !== "admitted") return;
    // A place that was lost while the evidence was on its way.
    if (outcome.t === "waiting") return this.#refuse({ code: "ALREADY_DECIDED", message: "the approval no longer holds", retryAfterMs: 1000, id: state.id });
    this.heartbeat(this.#auditHead());
  }

  /** The full verdict and what follows from a bad one; null: the stream is over. */
  #appraise(greeting: Greeting, message: Parameters<typeof evidenceOf>[0]): Exclude<Outcome, { t: "refused" }> | null {
    const { id } = greeting;
    const outcome = appraise(this.#context, greeting, evidenceOf(message, greeting), this.#peer);
    expelIfOut(this.#context, id);
    if (outcome.t !== "refused") return outcome;
    const state = this.#context.store.identities.byId(id)?.state.t;
    const live = this.#context.live.get(id);
    if (state === "quarantined" && live !== this) live?.refuse(outcome);
    this.#refuse({ ...outcome, id });
    return null;
  }

  #renew(renewal: Renewal): void {
    const { answerMs } = this.#context.leases.times;
    const greeting = renewal.ask((keys) => challengeKeys(this.#context, keys, answerMs));
    if (greeting !== null) this.#send(challengeMessage(greeting));
  }

  #timedOutRenewal(): void {
    try {
      noteTimeout(this.#context, this.#id, this.#peer.source);
    } catch (error) {
      this.#context.ports.log.error("a time-out was not recorded", { id: this.#id, err: error });
    }
    this.#refuse({ code: "LEASE_TIMEOUT", message: "the verdict was to be renewed and no evidence came", retryAfterMs: 1000, id: this.#id });
  }

  /** The newest evidence that passed wins. Telling a dead stream from a clone (DESIGN §2.11) belongs here. */
  #takeOver(id: string): void {
    const { live, store } = this.#context;
    const old = live.register(id, this);
    if (old === null) return;
    store.transaction(() => store.audit.append({ actor: `node:${id}`, action: "supersede", subject: id, code: "SUPERSEDED", detail: this.#peer.source }));
    old.refuse({ code: "SUPERSEDED", message: "a newer stream of this identity passed its verdict", retryAfterMs: 5000 });
  }

  #admit(id: string, renewal: Renewal): void {
    this.#state = { t: "admitting", id, renewal };
    prepareAdmission(this.#context, id).then(
      (admission) => this.#finishAdmission(admission),
      (error: unknown) => this.#fail(error),
    );
  }

  #finishAdmission(admission: AdmissionFacts | null): void {
    const state = this.#state;
    if (state.t !== "admitting") return;
    this.#guarded(() => {
      if (admission === null || !commitAdmission(this.#context, admission)) {
        return this.#refuse({ code: "ALREADY_DECIDED", message: "the approval no longer holds", retryAfterMs: 5000, id: this.#id });
      }
      const link: PlaneLink = { send: (change: PlaneChange) => this.#send(planeUpdateMessage(change)) };
      this.#state = { t: "admitted", id: admission.id, link, renewal: state.renewal };
      this.#send(admissionMessage(admission));
      this.#context.book.join(admission.member, link);
      this.heartbeat(this.#auditHead());
    });
  }

  /** Empty where it can't be read now: how long peers may be used doesn't depend on it. */
  #auditHead(): string {
    try {
      return this.#context.store.audit.head();
    } catch {
      return "";
    }
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
    if (error instanceof GreetingRefused) {
      const { code, message, retryAfterMs, id } = error;
      return this.#refuse({ code, message, retryAfterMs, id });
    }
    if (error instanceof HubError) {
      return this.#refuse({ code: error.code, message: error.message, retryAfterMs: 10_000, id: this.#id });
    }
    this.#context.ports.log.error("session failed", { id: this.#id, source: this.#peer.source, err: error });
    this.#refuse({ code: "INTERNAL", message: "the hub met an error of its own", retryAfterMs: 10_000, id: this.#id });
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
