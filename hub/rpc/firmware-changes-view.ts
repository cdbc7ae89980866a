import type { FirmwareChange } from "../../proto/gen/kubedos/v1/admin.ts";
import { firmwareChangeId } from "../../proto/release/firmware.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { findingMessage } from "./finding-message.ts";
import { changeOf } from "./firmware-view.ts";
import { viewIdentity } from "./node-view.ts";

/** Each distinct change of firmware with the nodes that wait with it, the one that most wait with first. */
export function viewFirmwareChanges(context: HubContext): readonly FirmwareChange[] {
  const groups = new Map<string, FirmwareChange>();
  for (const identity of context.store.identities.all()) {
    if (identity.state.t !== "quarantined") continue;
    const change = changeOf(identity);
    if (change === null) continue;
    const node = viewIdentity(context, identity);
    const id = firmwareChangeId(node.firmwareBefore, node.firmware);
    const group = groups.get(id) ?? { id, from: node.firmwareBefore, to: node.firmware, summary: change.summary, findings: change.findings.map(findingMessage), nodes: [] };
    groups.set(id, { ...group, nodes: [...group.nodes, node] });
  }
  return [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length || (a.id < b.id ? -1 : 1));
}
