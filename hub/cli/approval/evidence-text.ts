import type { Finding, Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { ageOf } from "../output/age.ts";
import { fields } from "../output/fields.ts";
import { anchorText, ekLines, releaseText } from "../output/node-text.ts";
import { printable } from "../output/printable.ts";

/** What an operator must see before deciding: whose TPM it is, what it booted, and what is only the machine's word. */
export function evidenceText(node: Node, slot: string | undefined, findings: readonly Finding[], now: number): string {
  return [
    `Machine ${printable(node.id)} asks to join cluster ${printable(node.cluster)}:`,
    fields([
      ["slot", slot ?? "- (none; --slot gives it one)"],
      ["role", `${printable(node.role)} (measured)`],
      ["release", releaseText(node)],
      ["PCR findings", findings.length === 0 ? "none" : `${findings.length}, see: kubedos-hub explain ${printable(node.id)}`],
      ["anchor", anchorText(node)],
      ["EK name", ekLines(node)],
      ["first seen", `${ageOf(Number(node.firstSeenMs), now)} ago`],
      ["claims slot", node.claimedSlot === "" ? "-" : `${printable(node.claimedSlot)} (its hint says so; anybody can write that)`],
    ]),
  ].join("\n");
}
