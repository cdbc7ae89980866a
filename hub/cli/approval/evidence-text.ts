import type { Finding, Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { ageOf } from "../output/age.ts";
import { findingText } from "../output/explain-text.ts";
import { fields } from "../output/fields.ts";
import { anchorText, ekCertificateText, ekLines, firmwareText, releaseText } from "../output/node-text.ts";
import { findingObject } from "../output/objects.ts";
import { printable } from "../output/printable.ts";

/** What an operator must see before deciding: whose TPM it is, what it booted, what changed, and what is only the machine's word. */
export function evidenceText(node: Node, slot: string | undefined, findings: readonly Finding[], now: number): string {
  const failed = node.state === "quarantined";
  const asks = failed ? "was quarantined and asks to come back into" : "asks to join";
  return [
    `Machine ${printable(node.id)} ${asks} cluster ${printable(node.cluster)}:`,
    fields([
      ["slot", slot ?? "- (none; --slot gives it one)"],
      ["role", `${printable(node.role)} (measured)`],
      ["release", releaseText(node)],
      ["firmware", firmwareText(node)],
      ["PCR findings", failed ? "none in its last evidence but what stands below" : findings.length === 0 ? "none" : `${findings.length}, see: kubedos-hub explain ${printable(node.id)}`],
      ["anchor", anchorText(node)],
      ["EK name", ekLines(node)],
      ["EK cert", ekCertificateText(node)],
      ["first seen", `${ageOf(Number(node.firstSeenMs), now)} ago`],
      ["claims slot", node.claimedSlot === "" ? "-" : `${printable(node.claimedSlot)} (its hint says so; anybody can write that)`],
      ...(failed ? [["failed by", `${printable(node.code)}: ${printable(node.message)}`] as const] : []),
    ]),
    ...(failed ? findings.map((f, i) => findingText(findingObject(f), i + 1, findings.length)) : []),
  ].join("\n");
}
