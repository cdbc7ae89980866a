import { equalBytes } from "../../proto/wire/bytes.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { awaitsOperator, type BootFacts, holdsSlot, isAdmitted, type NodeState } from "./state.ts";

/** All that can happen to an identity; closed. `passed` and `failed` are verdicts over evidence that its own TPM made. */
export type NodeEvent =
  | { readonly e: "hello" }
  | { readonly e: "challenge" }
  | { readonly e: "passed"; readonly facts: BootFacts }
  /** `facts`: nothing but the firmware recorded at the approval stands against this evidence. */
  | { readonly e: "failed"; readonly code: string; readonly message: string; readonly facts?: BootFacts }
  | { readonly e: "wait" }
  | { readonly e: "approve"; readonly slot: string }
  | { readonly e: "deny"; readonly message: string }
  | { readonly e: "attach" }
  | { readonly e: "renew"; readonly facts: BootFacts }
  | { readonly e: "lease-end" }
  | { readonly e: "enrol" }
  | { readonly e: "converge" }
  | { readonly e: "ready" }
  | { readonly e: "seal" }
  | { readonly e: "fence"; readonly reason: string }
  | { readonly e: "evict"; readonly reason: string }
  | { readonly e: "ban"; readonly reason: string }
  | { readonly e: "retire"; readonly reason: string };

/** An event that the state doesn't know: a fault of the caller, never of a peer. */
export class IllegalStep extends Error {
  readonly code = "ILLEGAL_STEP";

  constructor(state: NodeState, event: NodeEvent) {
    super(`${event.e} is not possible in state ${state.t}`);
    this.name = "IllegalStep";
  }
}

/** Code of a state that an operator's `deny` made. */
export const DENIED = "IDENTITY_DENIED";

/**
 * The only way from one state to the next. Pure; gives back the same object when nothing changes. Four rules stand
 * above the table: slots are given by `approve` alone; what has ended stays ended; failed stays failed, so nothing a
 * quarantined machine sends leads out; and whoever merely knows a public EK (hello, challenge) moves nobody who has proved
 * more than that. Throws {@link IllegalStep}.
 */
export function step(state: NodeState, event: NodeEvent): NodeState {
  if (isEnded(state)) return endedStep(state, event);
  switch (event.e) {
    case "hello":
      return state.t === "expected" ? { t: "seen" } : state;
    case "challenge":
      return state.t === "expected" ? illegal(state, event) : state.t === "seen" ? { t: "challenged" } : state;
    case "passed":
      if (state.t === "expected" || state.t === "seen") return illegal(state, event);
      return state.t === "quarantined" ? { ...state, facts: event.facts } : { t: "attested", facts: event.facts };
    case "failed":
      return failed(state, event);
    case "wait":
      if (state.t !== "attested") return illegal(state, event);
      return { t: state.facts.anchor === "none" ? "unanchored" : "pending", facts: state.facts };
    case "approve":
      if (state.t !== "attested" && !awaitsOperator(state)) return illegal(state, event);
      return { t: "approved", facts: state.facts, slot: event.slot };
    case "deny":
      if (state.t !== "pending" && state.t !== "unanchored") return illegal(state, event);
      return { t: "rejected", code: DENIED, message: event.message };
    case "attach":
      return state.t === "approved" ? { ...state, t: "connected" } : illegal(state, event);
    case "renew":
      if (!isAdmitted(state)) return illegal(state, event);
      return equalBytes(canonicalJson(state.facts), canonicalJson(event.facts)) ? state : { ...state, facts: event.facts };
    case "lease-end":
      return isAdmitted(state) ? { t: "approved", facts: state.facts, slot: state.slot } : illegal(state, event);
    case "enrol":
      return state.t === "connected" ? { ...state, t: "enrolled" } : illegal(state, event);
    case "converge":
      return state.t === "enrolled" ? { ...state, t: "converging" } : illegal(state, event);
    case "ready":
      return state.t === "converging" ? { ...state, t: "ready" } : illegal(state, event);
    case "seal":
      return state.t === "ready" ? { ...state, t: "sealed" } : illegal(state, event);
    case "fence":
      return holdsSlot(state) || state.t === "quarantined" ? { t: "fenced", reason: event.reason } : illegal(state, event);
    case "evict":
      return state.t === "expected" ? illegal(state, event) : { t: "evicted", reason: event.reason };
    case "ban":
      return state.t === "expected" ? illegal(state, event) : { t: "banned", reason: event.reason };
    case "retire":
      return { t: "retired", reason: event.reason };
    default:
      return event satisfies never;
  }
}

/** Codes that say that this TPM's state exists more than once. */
const COPIES: readonly string[] = ["CLONE_DETECTED", "CLOCK_WENT_BACK", "CLOCK_FORKED"];

/** A machine that was let in and then fails is kept apart until an operator decides anew, and so is one of two copies; a stranger is just refused. */
function failed(state: NodeState, event: Extract<NodeEvent, { e: "failed" }>): NodeState {
  if (state.t === "expected" || state.t === "seen") return illegal(state, event);
  const { code, message, facts } = event;
  // Only who was let in once has a firmware on record that could differ.
  if (facts !== undefined) return { t: "quarantined", code, message, facts };
  const apart = holdsSlot(state) || state.t === "quarantined" || COPIES.includes(code);
  return { t: apart ? "quarantined" : "rejected", code, message };
}

type Ended = Extract<NodeState, { t: "fenced" | "evicted" | "banned" | "retired" }>;

function isEnded(state: NodeState): state is Ended {
  return state.t === "fenced" || state.t === "evicted" || state.t === "banned" || state.t === "retired";
}

/** A fenced or evicted identity can still be banned or retired; nothing leads back in. */
function endedStep(state: Ended, event: NodeEvent): NodeState {
  if (event.e === "ban" && state.t !== "banned" && state.t !== "retired") return { t: "banned", reason: event.reason };
  if (event.e === "retire" && state.t !== "retired") return { t: "retired", reason: event.reason };
  return illegal(state, event);
}

function illegal(state: NodeState, event: NodeEvent): never {
  throw new IllegalStep(state, event);
}
