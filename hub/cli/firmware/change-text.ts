import type { FirmwareChange } from "../../../proto/gen/kubedos/v1/admin.ts";
import { firmwareDigest } from "../../../proto/release/firmware.ts";
import { findingText } from "../output/explain-text.ts";
import { fields } from "../output/fields.ts";
import { hexGroups } from "../output/hex-groups.ts";
import { findingObject } from "../output/objects.ts";
import { printable } from "../output/printable.ts";
import { wrap } from "../output/wrap.ts";
import { nodeName } from "../node-state.ts";

const WIDTH = 90;

/** One change event by event, and who waits with it. */
export function changeText(change: FirmwareChange): string {
  const { findings, nodes, summary } = change;
  const pcrs = Object.keys(change.to).sort().filter((pcr) => change.from[pcr] !== change.to[pcr]);
  return [
    fields(
      [
        ["change", printable(change.id)],
        ["what", printable(summary)],
        ["firmware", hexGroups(firmwareDigest(change.to), 8)],
        ...pcrs.map((pcr) => [`PCR ${pcr}`, [`${printable(change.from[pcr] ?? "")} before`, `${printable(change.to[pcr] ?? "")} now`]] as const),
      ],
      "",
    ),
    ...findings.map((f, i) => findingText(findingObject(f), i + 1, findings.length)),
    wrap(`${nodes.length} node(s) wait with it: ${nodes.map((n) => printable(nodeName(n))).sort(byNumber).join(", ")}`, WIDTH),
  ].join("\n\n");
}

function byNumber(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
