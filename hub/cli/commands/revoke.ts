import { z } from "zod";
import type { Node, RevokeResponse } from "../../../proto/gen/kubedos/v1/admin.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { nodeId, reasonText } from "../node-id.ts";
import { nodeName } from "../node-state.ts";
import { FORMATS } from "../output/format.ts";
import { revocationObject } from "../output/objects.ts";
import { printable } from "../output/printable.ts";
import { ask } from "../prompt.ts";

/** `kubedos-hub revoke`: takes a node out and says which live peers have dropped it. */
export const revoke = command({
  path: ["revoke"],
  summary: "take a node out of the cluster; its identity can't come back",
  about:
    "Every live peer is told to drop the node, and the answer names those that have. " +
    "Exit code 7 means that the revocation holds at the hub, but a peer has not answered in time.",
  args: [{ name: "id", what: "id, an unambiguous beginning of it, or name" }],
  options: [
    { flags: "--reason <text>", what: "why; goes into the audit (required)" },
    { flags: "--yes", what: "don't ask for the node's name" },
  ],
  connects: true,
  formats: FORMATS,
  examples: [
    ["revoke w-2 --reason 'disk was stolen'", "asks for the node's name, then revokes"],
    ["revoke w-2 --reason 'drill' --yes -o json", "in a script"],
  ],
  input: z.strictObject({ id: nodeId, reason: reasonText, yes: z.boolean().default(false) }),
  async run(input, context) {
    const hub = await context.hub();
    if (hub.operator === null) throw readOnly(hub.where);
    const node = await hub.getNode(input.id);
    if (!input.yes) await confirmName(node, context);
    context.goesOn(`if the hub has the revocation, it goes on; look with: kubedos-hub node show ${printable(node.id)}`);
    const response = await hub.revoke(node.id, input.reason);
    const name = printable(nodeName(response.node ?? node));
    context.print({ object: revocationObject(response), names: [node.id], human: () => revocationText(name, response) });
    if (response.outstanding.length === 0) return EXIT.ok;
    context.say(`${response.outstanding.length} live peer(s) have not answered; they drop ${name} when they do, or when their lease ends`);
    return EXIT.timedOut;
  },
});

async function confirmName(node: Node, context: Context): Promise<void> {
  const name = nodeName(node);
  context.say(`${printable(name)} (${printable(node.role)}, ${printable(node.state)}) loses all planes at once and can't come back with this identity.`);
  const typed = await ask(context.ports, `Type ${printable(name)} to revoke it, or press Enter to leave it: `, `kubedos-hub revoke ${node.id} --reason TEXT --yes`);
  if (typed !== name) throw CliError.local("LEFT_ALONE", "left as it is: nothing was revoked", null);
}

function revocationText(name: string, r: RevokeResponse): string {
  const list = (peers: readonly string[]) => (peers.length === 0 ? "none" : [...peers].sort().map(printable).join(", "));
  return [`${name} is revoked`, `  dropped by   ${list(r.acknowledged)}`, `  not yet by   ${list(r.outstanding)}`].join("\n");
}
