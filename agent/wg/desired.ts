import type { PlaneName } from "../../proto/evidence/claims.ts";

/** One WireGuard peer as we want it. */
export interface DesiredPeer {
  /** base64, Curve25519. */
  readonly publicKey: string;
  /** CIDRs, sorted. */
  readonly allowedIps: readonly string[];
  /** host:port; null: the peer dials, and roams as it likes. */
  readonly endpoint: string | null;
  /** Seconds; 0 is off. */
  readonly keepalive: number;
}

/** One plane's interface as we want it. The private key is written by apply and never compared or printed. */
export interface DesiredInterface {
  readonly name: PlaneName;
  /** Our address in the plane, /32. */
  readonly address: string;
  /** The plane's network: routed to the interface, whose allowed-ips let only known peers through. */
  readonly cidr: string;
  readonly mtu: number;
  /** Null: any; a spoke only dials. */
  readonly listenPort: number | null;
  readonly publicKey: string;
  readonly peers: readonly DesiredPeer[];
}
