import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { Store } from "../db/store.ts";
import type { ClusterIssuer } from "../pki/cluster-issuer.ts";
import type { PlaneBook } from "../planes/plane-book.ts";
import type { HubPorts } from "../ports.ts";
import type { ReleaseBook } from "../trust/release-book.ts";
import type { Trust } from "../trust/trust.ts";
import type { LeaseBook } from "./lease-book.ts";
import type { LiveSessions } from "./live-sessions.ts";
import type { Breaker } from "./remove-unbacked.ts";
import type { SteadyClock } from "./steady-clock.ts";
import type { TokenBuckets } from "./token-buckets.ts";

/** What every decision of a ready hub works with. `trust` is replaced as a whole when a newer delivery arrives. */
export interface HubContext {
  readonly image: ImageConfig;
  readonly ports: HubPorts & { readonly clock: SteadyClock };
  readonly store: Store;
  readonly issuer: ClusterIssuer;
  readonly book: PlaneBook;
  /** By which releases evidence is judged. */
  readonly releases: ReleaseBook;
  /** Which verdicts count, and until when. */
  readonly leases: LeaseBook;
  /** Whose lease ended without the database knowing yet, and when to tell it again. */
  readonly unsavedEnds: { readonly ids: Set<string>; notBeforeMs: number };
  readonly breaker: Breaker;
  readonly live: LiveSessions;
  readonly buckets: TokenBuckets;
  /** SHA-256(cluster ‖ SPKI of the hub's certificate), in every challenge. */
  readonly verifier: Uint8Array;
  trust: Trust;
}
