import type { LeaseTimes } from "./enroll/lease-book.ts";
import type { BucketLimits } from "./enroll/token-buckets.ts";
import type { StreamTimes } from "./rpc/node-service.ts";
import type { ImageConfig } from "../proto/release/image-config.ts";

/** What a hub is started with. In an image all but `image` has the default below. */
export interface HubOptions {
  readonly image: ImageConfig;
  /** Folder of `hub.db`. */
  readonly stateDir: string;
  /** Folder (tmpfs) of issuer keys, `issuers.json`, `delivery.json` and `hub.sock`. */
  readonly runDir: string;
  /** Address of both TLS listeners. */
  readonly listen: string;
  /** 0: the system chooses. */
  readonly nodePort: number;
  readonly operatorPort: number;
  /** Hellos for each source address. */
  readonly buckets?: BucketLimits;
  /** Other durations than the image's, so that a test need not wait for minutes. */
  readonly times?: Partial<LeaseTimes & StreamTimes>;
  /** Ends the wait for a delivery. */
  readonly signal?: AbortSignal;
}

/** The paths and ports of an image. */
export const HUB_DEFAULTS = {
  stateDir: "/var/lib/kubedos-hub",
  runDir: "/run/kubedos-hub",
  listen: "0.0.0.0",
  nodePort: 7443,
  operatorPort: 7444,
} as const satisfies Omit<HubOptions, "image">;
