import type { HubMessage, NodeMessage } from "../../proto/gen/kubedos/v1/node.ts";
import type { AttestCode } from "../attest/codes.ts";
import type { HubCode } from "../codes.ts";
import { HubError } from "../error.ts";
import type { PlaneChange, PlaneLink } from "../planes/plane-book.ts";
import { admissionMessage, challengeMessage, evidenceOf, planeUpdateMessage } from "../rpc/messages.ts";
import { type AdmissionFacts, commitAdmission, prepareAdmission } from "./admit.ts";
import { appraise } from "./appraise.ts";
import { expelIfOut } from "./expel.ts";
import { type Greeting, greet, GreetingRefused } from "./greet.ts";
import type { HubContext } from "./hub-context.ts";
import { LEASE_MS } from "./leases.ts";
import type { LiveSession } from "./live-sessions.ts";
import type { PeerFacts } from "./peer-facts.ts";

/** The other side of a session: one gRPC stream, or a test. */
export interface SessionPort {
  send(message: HubMessage): void;
  /** Ends the stream after what was sent. */
  end(): void;
}

/** Where one stream stands. */
type SessionState =
  | { readonly t: "new" }
  | { readonly t: "challenged"; readonly greeting: Greeting }
  | { readonly t: "waiting"; readonly id: string }
  | { readonly t: "admitting"; readonly id: string }
  | { readonly t: "admitted"; readonly id: string; readonly link: PlaneLink }
  | { readonly t: "closed" };

interface RefusalFacts {
  readonly code: HubCode | AttestCode;
  readonly message: string;
  readonly retryAfterMs: number;
  readonly id?: string;
}

/**
 * One Attach stream, without gRPC: messages in by {@link take}, messages out by the port. Hello → challenge → evidence →
 * verdict → waiting or admission; anything out of this order ends the stream with `PROTOCOL_ERROR`. Everything that must
 * outlive the stream is in the database before the node hears of it.
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
    if (this.#state.t === "closed") return;
    try {
      this.#dispatch(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The stream ended, by the node or the network. */
  closed(): void {
    const state = this.#state;
    this.#state = { t: "closed" };
    if (this.#id === "") return;
    this.#context.live.unregister(this.#id, this);
    if (state.t === "admitted") this.#context.book.leave(state.id, state.link, this.#context.ports.clock.wallMs() + LEASE_MS);
  }

  /** The node took too long to say hello or to answer. */
  timedOut(): void {
    this.#refuse({ code: "CHALLENGE_EXPIRED", message: "the evidence did not come in time", retryAfterMs: 1000, id: this.#id });
  }

  approved(): void {
    if (this.#state.t === "waiting") this.#admit(this.#state.id);
  }

  refuse(refusal: { readonly code: HubCode | AttestCode; readonly message: string; readonly retryAfterMs: number }): void {
    this.#refuse({ ...refusal, id: this.#id });
  }

  heartbeat(auditHead: string): void {
    if (this.#state.t !== "admitted") return;
    const { epoch, serial } = this.#context.book;
    this.#send({ $case: "heartbeat", value: { epoch: BigInt(epoch), serial: BigInt(serial), auditHead } });
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
        if (state.t !== "challenged") return this.#outOfOrder("evidence without a challenge");
        // Consumed before the verdict: whatever comes of it, this challenge is never judged again.
        this.#state = { t: "new" };
        return this.#judge(state.greeting, body.value);
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
    const outcome = appraise(this.#context, greeting, evidenceOf(message, greeting), this.#peer);
    expelIfOut(this.#context, id);
    if (outcome.t === "refused") {
      const state = this.#context.store.identities.byId(id)?.state.t;
      if (state === "quarantined") this.#context.live.get(id)?.refuse(outcome);
      return this.#refuse({ ...outcome, id });
    }
    this.#takeOver(id);
    if (outcome.t === "approved") return this.#admit(id);
    this.#state = { t: "waiting", id };
    this.#send({ $case: "waiting", value: { id, state: outcome.state, message: outcome.message } });
  }

  /** The newest evidence that passed wins. Telling a dead stream from a clone (DESIGN §2.11) belongs here. */
  #takeOver(id: string): void {
    const { live, store } = this.#context;
    const old = live.register(id, this);
    if (old === null) return;
    store.transaction(() => store.audit.append({ actor: `node:${id}`, action: "supersede", subject: id, code: "SUPERSEDED", detail: this.#peer.source }));
    old.refuse({ code: "SUPERSEDED", message: "a newer stream of this identity passed its verdict", retryAfterMs: 5000 });
  }

  #admit(id: string): void {
    this.#state = { t: "admitting", id };
    prepareAdmission(this.#context, id).then(
      (admission) => this.#finishAdmission(admission),
      (error: unknown) => this.#fail(error),
    );
  }

  #finishAdmission(admission: AdmissionFacts | null): void {
    if (this.#state.t !== "admitting") return;
    try {
      if (admission === null || !commitAdmission(this.#context, admission)) {
        return this.#refuse({ code: "ALREADY_DECIDED", message: "the approval no longer holds", retryAfterMs: 5000, id: this.#id });
      }
      const link: PlaneLink = { send: (change: PlaneChange) => this.#send(planeUpdateMessage(change)) };
      this.#state = { t: "admitted", id: admission.id, link };
      this.#send(admissionMessage(admission));
      this.#context.book.join(admission.member, link);
    } catch (error) {
      this.#fail(error);
    }
  }

  #outOfOrder(what: string): void {
    this.#refuse({ code: "PROTOCOL_ERROR", message: `${what} is not allowed here`, retryAfterMs: 10_000, id: this.#id });
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
