import { z } from "zod";
import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { checkApprovable } from "../approval/check.ts";
import { confirmEk } from "../approval/confirm.ts";
import { evidenceText } from "../approval/evidence-text.ts";
import { makeApproval, signApproval } from "../approval/statement.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import { durationText } from "../duration.ts";
import { EXIT } from "../exit-codes.ts";
import { nodeId, reasonText } from "../node-id.ts";
import { isPinned } from "../node-state.ts";
import { FORMATS } from "../output/format.ts";
import { nodeObject } from "../output/objects.ts";
import { printable } from "../output/printable.ts";
import type { View } from "../output/view.ts";
import { waitConnected } from "../wait.ts";

const ekName = z
  .string()
  .transform((text) => text.replaceAll(" ", "").toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{68}$/, "must be the whole EK name, 68 hex digits"));

/** `kubedos-hub approve`: the operator's signed word that this machine may be this slot (DESIGN §2.12). */
export const approve = command({
  path: ["approve"],
  summary: "let one machine into the cluster",
  about:
    "Shows the evidence, asks you to compare the EK name with the pin file, signs the approval with your own key and sends it. " +
    "A quarantined machine is shown with what failed and what changed, and your statement names the firmware that you accept. " +
    "Machines are approved one by one (but see `firmware accept`), and an unanchored one only with its risk named and its EK name typed in full.",
  args: [{ name: "id", what: "id, an unambiguous beginning of it, or name" }],
  options: [
    { flags: "--ek-name <hex>", what: "the EK name it must have, in full: answers the question" },
    { flags: "--slot <name>", what: "slot for a machine whose EK isn't pinned to one" },
    { flags: "--accept-risk <risk>", what: "name a risk that you take: unanchored", repeats: true },
    { flags: "--reason <text>", what: "why; goes along for the audit" },
    { flags: "--expires <duration>", what: "how long the statement may be used, like 24h (default 24h)" },
    { flags: "--dry-run", what: "show what would be signed; sign and send nothing" },
    { flags: "--wait", what: "wait until the node is connected and its kernel has its planes (the default)" },
    { flags: "--no-wait", what: "end as soon as the hub has taken the approval" },
    { flags: "--timeout <duration>", what: "how long to wait (default 2m)" },
  ],
  connects: true,
  formats: FORMATS,
  examples: [
    ["approve w-1", "look at the evidence, compare, type the last 8 digits"],
    ["approve w-1 --ek-name 000b5b1f… --timeout 5m", "in a script, with the EK name from the pin file"],
    ["approve 3f2a9c01 --slot w-3 --accept-risk=unanchored", "a machine that nobody vouches for, at your own risk"],
    ["approve w-1 --dry-run -o json", "the statement that would be signed"],
  ],
  input: z.strictObject({
    id: nodeId,
    ekName: ekName.optional(),
    slot: dnsLabel.optional(),
    acceptRisk: z.array(z.enum(["unanchored"])).default([]),
    reason: reasonText.optional(),
    expires: durationText.default(86_400),
    dryRun: z.boolean().default(false),
    wait: z.boolean().default(true),
    timeout: durationText.default(120),
  }),
  async run(input, context) {
    const hub = await context.hub();
    if (hub.operator === null) throw readOnly(hub.where);
    const explained = await hub.explain(input.id);
    const node = explained.node;
    if (node === undefined) throw CliError.local("NOT_FOUND", `the hub has no evidence for ${input.id}`, "kubedos-hub pending");
    const now = context.ports.now();
    context.say(evidenceText(node, isPinned(node) ? printable(node.name) : input.slot, explained.findings, now));
    const slot = checkApprovable(explained, node, input);
    const approval = makeApproval(node, hub.operator, { slot, notAfter: Math.floor(now / 1000) + input.expires });
    if (input.dryRun) {
      context.print({
        object: { apiVersion: "kubedos/v1", kind: "ApprovalPreview", ...{ statement: approval } },
        names: [node.id],
        human: () => `would approve ${printable(node.id)} as ${slot}; nothing was signed`,
      });
      return EXIT.ok;
    }
    await confirmEk(node, input.ekName, context.ports);
    context.goesOn(`if the hub has the approval, it goes on; look with: kubedos-hub node show ${printable(node.id)}`);
    const approved = await hub.approve(
      { id: node.id, approval: signApproval(approval, hub.operator), acceptRisks: approval.acceptRisks },
      input.reason,
    );
    context.say(`approved as ${slot} by ${hub.operator.name}${input.reason === undefined ? "" : `: ${input.reason}`}`);
    context.print(approvedView(input.wait ? await waitConnected(approved, hub, context, input.timeout * 1000) : approved));
    return EXIT.ok;
  },
});

function approvedView(node: Node): View {
  const planes = Object.entries(node.planes).sort(([a], [b]) => (a < b ? -1 : 1));
  const addresses = planes.map(([plane, address]) => `${printable(plane)} ${printable(address).replace(/\/32$/, "")}`).join(", ");
  return {
    object: nodeObject(node),
    names: [node.id],
    human: () => `${printable(node.name)} is ${printable(node.state)}${addresses === "" ? "" : `: ${addresses}`}`,
  };
}
