import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { isUnanchored } from "../node-state.ts";
import { ageOf } from "./age.ts";
import { fields } from "./fields.ts";
import { hexGroups } from "./hex-groups.ts";
import { printable } from "./printable.ts";

/** The warning that stands wherever an unanchored machine is shown. */
export const UNANCHORED_WORDS = "UNANCHORED: nobody stamped this TPM; anyone's laptop can run one like it";

/** EK name in groups of four, on two lines of less than 60 characters. */
export function ekLines(node: Node): readonly string[] {
  return hexGroups(printable(node.ekName), 9);
}

/** In words, who vouches for the TPM. */
export function anchorText(node: Node): string {
  return isUnanchored(node) ? UNANCHORED_WORDS : `pinned: stamped for slot ${printable(node.name)}`;
}

/** The release whose image was measured. */
export function releaseText(node: Node): string {
  return node.release === "" ? "none" : `${printable(node.release)}, generation ${node.releaseGeneration}`;
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
      ["identity", `generation ${node.generation}`],
      ["release", releaseText(node)],
      ["phase", printable(node.phase) || "-"],
      ...planes.map(([plane, address]): [string, string] => [printable(plane), printable(address)]),
      ["peers", `serial ${node.serialApplied} applied of ${node.serialHub}`],
      ["claims slot", node.claimedSlot === "" ? "-" : `${printable(node.claimedSlot)} (the machine's word, not checked)`],
      ["reason", node.code === "" ? "-" : `${printable(node.code)}: ${printable(node.message)}`],
    ],
    "",
  );
}
