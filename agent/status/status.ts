import type { VolumeState } from "../volumes/volumes-file.ts";
import type { PlaneName } from "../../proto/evidence/claims.ts";

/** Where the node stands, as the agent sees it; `state` names the shape. */
export type NodeStatus =
  | { readonly state: "booting" }
  | { readonly state: "failed"; readonly code: string; readonly message: string }
  | { readonly state: "unreachable"; readonly code: string; readonly message: string }
  | { readonly state: "dialling"; readonly message: string }
  | { readonly state: "attesting"; readonly message: string }
  | { readonly state: "pending" | "unanchored"; readonly id: string; readonly message: string }
  | { readonly state: "refused"; readonly code: string; readonly id: string; readonly message: string; readonly retryInSeconds: number }
  /** `adrift`: admitted, and all peers dropped because the hub didn't renew the node in time. */
  | { readonly state: "admitted" | "adrift"; readonly id: string; readonly name: string; readonly index: number; readonly message: string };

/** A peer of one plane: public facts only. */
export interface PeerStatus {
  readonly name: string;
  readonly publicKey: string;
  readonly allowedIps: readonly string[];
  readonly endpoint: string | null;
  /** Seconds since the last handshake; null: none yet. */
  readonly handshakeAge: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** One plane as the kernel has it. */
export interface PlaneStatus {
  readonly name: PlaneName;
  readonly address: string;
  readonly up: boolean;
  readonly peers: readonly PeerStatus[];
}

/** `/run/kubedos/status.json`: readable by the host through the guest agent, so it holds no secret. */
export interface Status {
  readonly kind: "kubedos/status";
  readonly version: 1;
  readonly agent: string;
  readonly cluster: string | null;
  readonly role: string | null;
  readonly bootId: string | null;
  /** Name of the endorsement key, hex. */
  readonly ekName: string | null;
  /** The last word in PCR 11. */
  readonly phase: string | null;
  readonly hint: { readonly slot: string | null; readonly refused: string | null };
  /** The first boot's steps with the uptime at which each began, in seconds. */
  readonly steps: readonly { readonly name: string; readonly uptime: number }[];
  readonly node: NodeStatus;
  /** Uptime at which `node` became what it is. */
  readonly since: number;
  readonly planes: readonly PlaneStatus[];
  /** The role's data volumes; empty until they were tried. */
  readonly volumes: readonly VolumeState[];
  /** Peers that the hub named and this node refused. */
  readonly refusedPeers: readonly { readonly name: string; readonly code: string; readonly message: string }[];
  readonly mailbox: { readonly served: number; readonly refused: number; readonly unknown: number };
}
