import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { firmwareDigest } from "../../../proto/release/firmware.ts";
import { isPinned, isUnanchored } from "../node-state.ts";
import { ageOf } from "./age.ts";
import { fields } from "./fields.ts";
import { hexGroups } from "./hex-groups.ts";
import { printable } from "./printable.ts";

/** The warning that stands wherever an unanchored machine is shown. */
export const UNANCHORED_WORDS = "UNANCHORED: nobody vouches for this TPM; anyone's laptop can run one like it";

/** What stands wherever a quarantined machine is shown that can be approved anew. */
export const ELIGIBLE_WORDS = "its last evidence was good, but it stays outside until an operator approves it anew";

/** EK name in groups of four, on two lines of less than 60 characters. */
export function ekLines(node: Node): readonly string[] {
  return hexGroups(printable(node.ekName), 9);
}

/** In words, who vouches for the TPM. */
export function anchorText(node: Node): string {
  if (isUnanchored(node)) return UNANCHORED_WORDS;
  return isPinned(node) ? `pinned: its EK is for slot ${printable(node.name)}` : "certificate: a maker that the cluster believes made this TPM; whose it is, its EK says";
}

/** In words, what the TPM's own certificate is worth. */
export function ekCertificateText(node: Pick<Node, "ekCertificate" | "ekCertificateText">): string {
  const { ekCertificate: code, ekCertificateText: text } = node;
  if (code === "") return "- (its TPM showed none)";
  return code === "GOOD" ? `good: ${printable(text)}` : `${printable(code)}: ${printable(text)}`;
}

/** The release whose image was measured. */
export function releaseText(node: Node): string {
  return node.release === "" ? "none" : `${printable(node.release)}, generation ${node.releaseGeneration}`;
}

/** PCR 0–3 of its last good evidence as one digest, and whether they are those of its approval. */
export function firmwareText(node: Node): string {
  if (Object.keys(node.firmware).length === 0) return "- (no good evidence)";
  const digest = `${firmwareDigest(node.firmware).slice(0, 16)}… (PCR 0-3)`;
  return node.firmwareChange === "" ? digest : `${digest}, CHANGED since its approval: ${printable(node.firmwareChange)}`;
}

/** Everything about one node, for people. */
export function nodeText(node: Node, now: number): string {
  const planes = Object.entries(node.planes).sort(([a], [b]) => (a < b ? -1 : 1));
  return fields(
    [
      ["name", printable(node.name) || "- (no slot)"],
      ["id", printable(node.id) || "- (not seen yet)"],
      ["role", printable(node.role) || "-"],
      ["state", `${printable(node.state)}, for ${ageOf(Number(node.stateSinceMs), now)}`],
      ["first seen", node.firstSeenMs === 0n ? "never" : `${ageOf(Number(node.firstSeenMs), now)} ago`],
      ["attached", node.attached ? "yes" : "no"],
      ["anchor", node.ekName === "" ? "-" : anchorText(node)],
      ["EK name", node.ekName === "" ? "-" : ekLines(node)],
      ["EK cert", node.id === "" ? "-" : ekCertificateText(node)],
      ["identity", `generation ${node.generation}`],
      ["release", releaseText(node)],
      ["firmware", firmwareText(node)],
      ["phase", printable(node.phase) || "-"],
      ...planes.map(([plane, address]): [string, string] => [printable(plane), printable(address)]),
      ["peers", `serial ${node.serialApplied} applied of ${node.serialHub}`],
      ["claims slot", node.claimedSlot === "" ? "-" : `${printable(node.claimedSlot)} (the machine's word, not checked)`],
      ["reason", node.code === "" ? "-" : `${printable(node.code)}: ${printable(node.message)}`],
      ...(node.eligible ? [["since then", ELIGIBLE_WORDS] as const] : []),
    ],
    "",
  );
}
