import type { HubMessage } from "../../proto/gen/kubedos/v1/node.ts";
import { HubError } from "../error.ts";
import type { Answer } from "./appraise.ts";
import { type Greeting, GreetingRefused } from "./greet.ts";
import type { StreamEnd } from "./live-sessions.ts";
import type { Standing } from "./standing.ts";

/** The other side of a session: one gRPC stream, or a test. */
export interface SessionPort {
  send(message: HubMessage): void;
  /** Ends the stream after what was sent. */
  end(): void;
}

/**
 * Where one stream stands. new, challenged: nothing is proved. contending: its evidence passed, and an older stream of the
 * same identity may still be alive, so nothing has followed from it yet. proven: a verdict was acted on.
 */
export type SessionState =
  | { readonly t: "new" }
  | { readonly t: "challenged"; readonly greeting: Greeting }
  | { readonly t: "contending"; readonly held: Answer }
  | { readonly t: "proven"; readonly standing: Standing }
  | { readonly t: "closed" };

/** A stream's end with the identity that it is about, as far as that is known. */
export interface RefusalFacts extends StreamEnd {
  readonly id?: string;
}

/** What a thrown error tells the node; null: a fault of ours, which is for the log. */
export function refusalOf(error: unknown, id: string): RefusalFacts | null {
  if (error instanceof GreetingRefused) return { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs, id: error.id };
  if (error instanceof HubError) return { code: error.code, message: error.message, retryAfterMs: 10_000, id };
  return null;
}

/** Keys to challenge a stream by again; null where it has proved none. */
export function keysOfState(state: SessionState): Pick<Greeting, "id" | "ekPublic" | "akPublic"> | null {
  if (state.t === "contending") return state.held.greeting;
  return state.t === "proven" ? state.standing.renewal.keys : null;
}

/** The challenge that a stream's next evidence answers; null: none is out. */
export function askedOf(state: SessionState): Greeting | null {
  if (state.t === "challenged") return state.greeting;
  return state.t === "proven" ? state.standing.renewal.asked : null;
}

/** Whether the machine has passed a verdict in this stream: until then silence ends it. */
export function isProven(state: SessionState): boolean {
  return state.t === "contending" || state.t === "proven";
}

/** The end of a stream on which nobody answers any more. */
export const SUPERSEDED: StreamEnd = { code: "SUPERSEDED", message: "a newer stream of this identity passed its verdict", retryAfterMs: 5000 };
/** The end of a stream by a fault of ours. */
export const INTERNAL: StreamEnd = { code: "INTERNAL", message: "the hub met an error of its own", retryAfterMs: 10_000 };
