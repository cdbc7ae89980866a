/** One peer as the kernel has it. */
export interface ObservedPeer {
  readonly publicKey: string;
  readonly endpoint: string | null;
  readonly allowedIps: readonly string[];
  /** Seconds since 1970; 0: never. */
  readonly latestHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly keepalive: number;
}

/** One WireGuard interface as the kernel has it. The dump's private key is dropped on reading. */
export interface ObservedInterface {
  readonly name: string;
  readonly publicKey: string | null;
  readonly listenPort: number;
  readonly up: boolean;
  readonly mtu: number;
  /** `address/prefix` of IPv4, sorted. */
  readonly addresses: readonly string[];
  /** Destinations routed to it, sorted. */
  readonly routes: readonly string[];
  readonly peers: readonly ObservedPeer[];
}
