import { equalBytes } from "../../../proto/wire/bytes.ts";
import { canonicalJson } from "../../../proto/wire/json.ts";
import type { FirmwareChange, Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { firmwareChangeId, firmwareValuesSchema } from "../../../proto/release/firmware.ts";
import { CliError } from "../cli-error.ts";
import type { Admin } from "../connect/admin.ts";

/**
 * One change by its id or an unambiguous beginning of it. All of it is the hub's word, so it is held against itself: the id must follow from
 * the values, and every node must have exactly this change. Throws CliError `NOT_FOUND`, `AMBIGUOUS_ID`, `HUB_UNTRUSTED`.
 */
export async function findChange(hub: Admin, wanted: string): Promise<FirmwareChange> {
  const matches = (await hub.listFirmwareChanges()).filter((c) => c.id.startsWith(wanted));
  const [change] = matches;
  if (change === undefined) throw CliError.local("NOT_FOUND", `no node waits with a change of firmware ${wanted}`, "kubedos-hub firmware list");
  if (matches.length > 1) throw CliError.local("AMBIGUOUS_ID", `more than one change begins with ${wanted}`, "kubedos-hub firmware list");
  const { from, to, nodes } = change;
  const whole = [from, to].every((values) => firmwareValuesSchema.safeParse(values).success) && firmwareChangeId(from, to) === change.id;
  if (!whole || !nodes.every((node) => hasChange(node, change))) {
    throw CliError.local("HUB_UNTRUSTED", "what the hub says about this change doesn't fit together", "kubedos-hub health");
  }
  return change;
}

function hasChange(node: Node, { from, to }: FirmwareChange): boolean {
  const same = (a: unknown, b: unknown): boolean => equalBytes(canonicalJson(a), canonicalJson(b));
  return node.eligible && same(node.firmwareBefore, from) && same(node.firmware, to);
}
