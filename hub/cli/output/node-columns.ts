import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { ekTail, isUnanchored, shortIds } from "../node-state.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./table.ts";

/** Columns of `nodes`; wide ones show whole ids and keys. */
export function nodeColumns(nodes: readonly Node[], o: { readonly wide: boolean; readonly now: number }): readonly Column<Node>[] {
  const ids = shortIds(nodes);
  const plane = (name: string): Column<Node> => ({ header: name.toUpperCase(), min: 11, cell: (n) => (n.planes[name] ?? "").replace(/\/32$/, "") });
  const narrow: readonly Column<Node>[] = [
    { header: "NAME", min: 10, shrinks: true, cell: (n) => n.name },
    { header: "ROLE", min: 10, cell: (n) => n.role },
    { header: "STATE", min: 10, cell: (n) => n.state },
    { header: "ID", min: 8, cell: (n) => (o.wide ? n.id : (ids.get(n.id) ?? n.id)) },
    plane("wg1"),
    plane("wg2"),
    plane("wg3"),
    { header: "SEEN", min: 4, cell: (n) => (n.attached ? "now" : "") },
    { header: "AGE", min: 6, cell: (n) => ageOf(Number(n.firstSeenMs), o.now) },
  ];
  if (!o.wide) return narrow;
  return [
    ...narrow,
    { header: "SINCE", cell: (n) => ageOf(Number(n.stateSinceMs), o.now) },
    { header: "ANCHOR", cell: (n) => n.anchor },
    { header: "RELEASE", cell: releaseOf },
    { header: "PHASE", cell: (n) => n.phase },
    { header: "SERIAL", cell: (n) => `${n.serialApplied}/${n.serialHub}` },
    { header: "EK", cell: (n) => n.ekName },
    { header: "CODE", cell: (n) => n.code },
  ];
}

/** Columns of `pending`. */
export function pendingColumns(nodes: readonly Node[], o: { readonly wide: boolean; readonly now: number }): readonly Column<Node>[] {
  const ids = shortIds(nodes);
  return [
    { header: "ID", min: 8, cell: (n) => (o.wide ? n.id : (ids.get(n.id) ?? n.id)) },
    { header: "SLOT", min: 8, cell: (n) => n.name },
    { header: "ROLE", min: 8, cell: (n) => n.role },
    { header: "STATE", min: 10, cell: (n) => n.state },
    { header: "EK", min: 9, cell: (n) => (o.wide ? n.ekName : `…${ekTail(n)}`) },
    { header: "ANCHOR", min: 6, cell: (n) => (isUnanchored(n) ? "NONE" : n.anchor) },
    { header: "RELEASE", min: 8, cell: (n) => (o.wide ? releaseOf(n) : n.release.slice(0, 8)) },
    { header: "AGE", min: 6, cell: (n) => ageOf(Number(n.firstSeenMs), o.now) },
    { header: "WHY", min: 20, shrinks: true, cell: whyPending },
    ...(o.wide ? [{ header: "CLAIMS", cell: (n: Node) => n.claimedSlot }] : []),
  ];
}

function releaseOf(node: Node): string {
  return node.release === "" ? "" : `${node.release}#${node.releaseGeneration}`;
}

function whyPending(node: Node): string {
  if (node.state === "quarantined") return node.firmwareChange === "" ? node.code : `${node.code}: ${node.firmwareChange}`;
  if (!isUnanchored(node)) return "attested, needs approval";
  return node.ekCertificate === "" ? "nobody vouches for this TPM" : node.ekCertificate;
}
