import type { PlaneName } from "../../proto/evidence/claims.ts";
import type { PortRule, Zone } from "../../proto/release/image-config.ts";

/** One TCP connection that the agent itself is about to try, to see whether the other side's firewall lets it in. */
export interface ProbeHole {
  readonly zone: Zone;
  readonly address: string;
  readonly port: number;
}

/** All that the ruleset depends on. */
export interface FirewallModel {
  /** base: before admission; admitted: the planes and the role's ports are open. */
  readonly stage: "base" | "admitted";
  /** Whether this node runs the hub. */
  readonly hub: boolean;
  /** Interfaces that ask DHCP. */
  readonly dhcp: readonly string[];
  /** Where this node's hub listens; null on the hub's node, and where nobody said. */
  readonly hubEndpoint: { readonly host: string; readonly port: number } | null;
  readonly planes: readonly { readonly name: PlaneName; readonly cidr: string; readonly port: number }[];
  /** The role's holes, from the image. */
  readonly ports: readonly PortRule[];
  /** IPv4 addresses that WireGuard dials. */
  readonly wireguardPeers: readonly string[];
  readonly probes: readonly ProbeHole[];
}

/** Where the hub listens for nodes, and for operators. */
export const HUB_NODE_PORT = 7443;
/** See {@link HUB_NODE_PORT}. */
export const HUB_OPERATOR_PORT = 7444;
