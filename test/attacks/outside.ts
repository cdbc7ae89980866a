import type { Status } from "../../agent/status/status.ts";
import type { AuditRowObject, NodeObject } from "../../hub/cli/output/objects.ts";
import type { AttackProof } from "./attack.ts";

/** States in which the hub lets nobody reach a node; whoever is in another one is inside, or on the way. */
const OUTSIDE: readonly string[] = ["expected", "seen", "unanchored", "challenged", "attested", "pending", "rejected", "quarantined", "fenced", "evicted", "banned", "retired"];

/** What was seen of a machine that must be outside. */
export interface OutsideView {
  readonly slot: string;
  /** EK Names that it may have shown. */
  readonly ekNames: readonly string[];
  readonly honestSlot: string;
  readonly nodes: readonly NodeObject[];
  readonly audit: readonly AuditRowObject[];
  readonly master: Status;
  /** Its own word; null where it has none. */
  readonly own: Status | null;
}

/** Proofs that nobody of this slot or these EKs has a peer, an address or a certificate. Pure. */
export function proveOutside(v: OutsideView): readonly AttackProof[] {
  const known = v.nodes.filter((n) => v.ekNames.includes(n.ekName) || n.name === v.slot);
  const ids = known.map((n) => n.id).filter((id) => id !== "");
  const admitted = v.audit.filter((row) => row.action === "admit" && (ids.includes(row.subject) || row.detail === v.slot));
  const peers = v.master.planes.flatMap((plane) => plane.peers.map((peer) => peer.name));
  const states = known.map((n) => `${n.state}${n.code === "" ? "" : ` ${n.code}`}`).join(", ");
  const proofs: AttackProof[] = [
    { what: "the hub shows it outside, without an address on any plane", held: known.every((n) => OUTSIDE.includes(n.state) && Object.keys(n.planes).length === 0), detail: states === "" ? "the hub never heard of it" : states },
    { what: "it was never admitted, so no certificate was issued and no key accepted", held: admitted.length === 0, detail: `${v.audit.length} rows of the audit` },
    {
      what: "the master's kernel, read from inside, has no peer for it, and has the honest worker",
      held: !peers.includes(v.slot) && v.master.planes.every((plane) => plane.peers.some((peer) => peer.name === v.honestSlot)) && v.master.planes.length > 0,
      detail: `peers: ${[...new Set(peers)].sort().join(", ")}`,
    },
  ];
  if (v.own !== null) {
    const { state } = v.own.node;
    const alone = v.own.planes.every((plane) => plane.peers.length === 0);
    proofs.push({ what: "its own agent, read from inside, isn't admitted and has no peer", held: state !== "admitted" && state !== "adrift" && alone, detail: state });
  }
  return proofs;
}
