import { z } from "zod";
import type { FirmwareChange } from "../../../proto/gen/kubedos/v1/admin.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { nodeName } from "../node-state.ts";
import { FORMATS } from "../output/format.ts";
import { firmwareChangeObject, listObject } from "../output/objects.ts";
import { type Column, renderTable } from "../output/table.ts";

/** `kubedos-hub firmware list`: each distinct change of PCR 0–3 that nodes wait with. */
export const firmwareList = command({
  path: ["firmware", "list"],
  summary: "list what changed in nodes' firmware since their approval",
  about: "A node whose firmware isn't the approved one is quarantined. Nodes with exactly the same change stand in one line, which can be accepted at once.",
  args: [],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [
    ["firmware list", "each change with its id, how many nodes have it, and what it is"],
    ["firmware list -o json", "all values and events"],
  ],
  input: z.strictObject({}),
  async run(_input, context) {
    const changes = await (await context.hub()).listFirmwareChanges();
    const items = changes.map(firmwareChangeObject);
    context.print({
      object: listObject("FirmwareChangeList", items),
      items,
      names: changes.map((c) => c.id),
      human: (style) => (changes.length === 0 ? "" : renderTable(columns(style.wide), changes, style)),
    });
    context.say(changes.length === 0 ? "no node waits with changed firmware" : "next: kubedos-hub firmware show BASELINE");
    return EXIT.ok;
  },
});

function columns(wide: boolean): readonly Column<FirmwareChange>[] {
  return [
    { header: "BASELINE", cell: (c) => c.id },
    { header: "NODES", cell: (c) => String(c.nodes.length) },
    { header: "ROLES", cell: (c) => [...new Set(c.nodes.map((n) => n.role))].sort().join(",") },
    { header: "CHANGED", shrinks: true, cell: (c) => c.summary },
    ...(wide ? [{ header: "NAMES", cell: (c: FirmwareChange) => c.nodes.map(nodeName).sort().join(",") }] : []),
  ];
}
