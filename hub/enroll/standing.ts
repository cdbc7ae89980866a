import type { PlaneChange, PlaneLink } from "../planes/plane-book.ts";
import { admissionMessage, challengeMessage, planeUpdateMessage } from "../rpc/messages.ts";
import { type AdmissionFacts, commitAdmission, prepareAdmission } from "./admit.ts";
import type { Answer, Outcome } from "./appraise.ts";
import { challengeKeys } from "./greet.ts";
import { heartbeatOf } from "./heartbeat.ts";
import type { HubContext } from "./hub-context.ts";
import { noteTimeout } from "./leases.ts";
import { Renewal } from "./renewal.ts";
import type { StreamOut } from "./stream-out.ts";

/** waiting: for an operator. admitting: its certificate is being made. admitted: it has peers. */
type Place = { readonly t: "waiting" } | { readonly t: "admitting" } | { readonly t: "admitted"; readonly link: PlaneLink };

/** Whose standing it is, and what began it. */
export interface StandingOf {
  readonly id: string;
  /** Address of the machine, for people. */
  readonly source: string;
  /** The evidence whose verdict was acted on. */
  readonly answer: Answer;
}

/**
 * Where a machine stands in its stream from its first good verdict on: it waits, is admitted, and renews its verdict. What is out of order
 * and whether anybody else claims the same identity, is the session's to know.
 */
export class Standing {
  readonly renewal: Renewal;
  readonly #context: HubContext;
  readonly #out: StreamOut;
  readonly #of: Omit<StandingOf, "answer">;
  #place: Place = { t: "waiting" };
  #isFrozen = false;

  constructor(context: HubContext, out: StreamOut, { answer, ...of }: StandingOf) {
    const { ports, leases } = context;
    this.renewal = new Renewal(ports, leases.times, { keys: answer.greeting, claims: answer.evidence.claims });
    this.#context = context;
    this.#out = out;
    this.#of = of;
  }

  /** Acts on the stream's first verdict. */
  begin(outcome: Extract<Outcome, { t: "waiting" | "approved" }>): void {
    if (outcome.t === "approved") return this.#admit();
    this.#out.send({ $case: "waiting", value: { id: this.#of.id, state: outcome.state, message: outcome.message } });
  }

  /** Acts on a later verdict of the same stream that was no refusal. */
  renewed(outcome: Exclude<Outcome, { t: "refused" }>): void {
    if (!this.#out.isOpen) return;
    this.renewal.judged(outcome.t !== "unbacked");
    if (this.#place.t === "waiting" && outcome.t === "approved") return this.#admit();
    if (this.#place.t !== "admitted") return;
    // A place that was lost while the evidence was on its way.
    if (outcome.t === "waiting") return this.#out.refuse({ code: "ALREADY_DECIDED", message: "the approval no longer holds", retryAfterMs: 1000 });
    this.heartbeat(null);
  }

  /** An operator approved it. */
  approved(): void {
    // On trial nothing new is given: the newer stream's own verdict finds the approval.
    if (this.#place.t !== "waiting" || this.#isFrozen) return;
    // On an older verdict nothing new is given: the next one, asked for now, admits.
    if (this.#context.leases.isFresh(this.#of.id)) this.#admit();
    else this.renew();
  }

  /** Asks for evidence now. */
  renew(): void {
    if (this.#place.t !== "admitting" && !this.#isFrozen) this.#out.guarded(() => this.#ask());
  }

  /** Time has passed, during `lateMs` of which the hub itself was stopped. */
  tick(lateMs: number): void {
    if (this.#place.t === "admitting") return;
    this.renewal.postpone(lateMs);
    if (this.renewal.isOverdue) return this.#timedOut();
    if (this.renewal.isDue) this.#out.guarded(() => this.#ask());
  }

  /** Whether it has peers, whose list it can acknowledge. */
  get isAdmitted(): boolean {
    return this.#place.t === "admitted";
  }

  /** Tells a member how long it may use its peers; without `auditHead` it is looked up. */
  heartbeat(auditHead: string | null): void {
    const body = this.isAdmitted ? heartbeatOf(this.#context, { id: this.#of.id, verdicts: this.renewal.verdicts }, auditHead) : null;
    if (body !== null) this.#out.send(body);
  }

  /** From here on it gets nothing new. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** The stream ended. */
  leave(): void {
    if (this.#place.t === "admitted") this.#context.book.leave(this.#of.id, this.#place.link);
  }

  #ask(): void {
    const { answerMs } = this.#context.leases.times;
    const greeting = this.renewal.ask((keys) => challengeKeys(this.#context, keys, answerMs));
    if (greeting !== null) this.#out.send(challengeMessage(greeting));
  }

  #timedOut(): void {
    noteTimeout(this.#context, this.#of.id, this.#of.source);
    this.#out.refuse({ code: "LEASE_TIMEOUT", message: "the verdict was to be renewed and no evidence came", retryAfterMs: 1000 });
  }

  #admit(): void {
    this.#place = { t: "admitting" };
    prepareAdmission(this.#context, this.#of.id).then((admission) => this.#finishAdmission(admission), (error: unknown) => this.#out.fail(error));
  }

  #finishAdmission(admission: AdmissionFacts | null): void {
    // On trial nothing new is given.
    if (this.#isFrozen) return;
    this.#out.guarded(() => {
      if (admission === null || !commitAdmission(this.#context, admission)) {
        return this.#out.refuse({ code: "ALREADY_DECIDED", message: "the approval no longer holds", retryAfterMs: 5000 });
      }
      const link: PlaneLink = { send: (change: PlaneChange) => this.#out.send(planeUpdateMessage(change)) };
      this.#place = { t: "admitted", link };
      this.#out.send(admissionMessage(admission));
      this.#context.book.join(admission.member, link);
      this.heartbeat(null);
    });
  }
}
