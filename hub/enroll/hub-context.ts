import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { Store } from "../db/store.ts";
import type { ClusterIssuer } from "../pki/cluster-issuer.ts";
import type { PlaneBook } from "../planes/plane-book.ts";
import type { HubPorts } from "../ports.ts";
import type { Trust } from "../trust/trust.ts";
import type { LiveSessions } from "./live-sessions.ts";
import type { TokenBuckets } from "./token-buckets.ts";

/** What every decision of a ready hub works with. `trust` is replaced as a whole when a newer delivery arrives. */
export interface HubContext {
  readonly image: ImageConfig;
  readonly ports: HubPorts;
  readonly store: Store;
  readonly issuer: ClusterIssuer;
  readonly book: PlaneBook;
  readonly live: LiveSessions;
  readonly buckets: TokenBuckets;
  /** SHA-256(cluster ‖ SPKI of the hub's certificate), in every challenge. */
  readonly verifier: Uint8Array;
  trust: Trust;
}
