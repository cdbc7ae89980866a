import { z } from "zod";
import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { firmwareDigest } from "../../../proto/release/firmware.ts";
import { makeApproval, signApproval } from "../approval/statement.ts";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { readOnly } from "../connect/admin.ts";
import { durationText } from "../duration.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { changeText } from "../firmware/change-text.ts";
import { confirmFirmware } from "../firmware/confirm.ts";
import { findChange } from "../firmware/find-change.ts";
import { selectorText, selects } from "../firmware/selector.ts";
import { isPinned, nodeName } from "../node-state.ts";
import { reasonText } from "../node-id.ts";
import { FORMATS } from "../output/format.ts";
import { firmwareAcceptanceObject, type NodeOutcome } from "../output/objects.ts";
import { printable } from "../output/printable.ts";
import { baselineId } from "./firmware-show.ts";

/** `kubedos-hub firmware accept`: one decision about one distinct change, as one signed approval for each node that has it. */
export const firmwareAccept = command({
  path: ["firmware", "accept"],
  summary: "approve anew all nodes with one change of firmware",
  about:
    "Shows the change once and the nodes that it is accepted for, asks for the last digits of the new firmware's digest, then signs one approval a node with your " +
    "own key, bound to exactly this firmware. Nodes with any other change, or whose EK isn't pinned to a slot, aren't touched.",
  args: [{ name: "baseline", what: "id of the change, from `firmware list`" }],
  options: [
    { flags: "--selector <conditions>", what: "which nodes, by verified facts: role=, slot=, name=, release= (its generation); all must hold (required)" },
    { flags: "--max <count>", what: "refuse when more nodes match (required)" },
    { flags: "--reason <text>", what: "why; goes into the audit (required)" },
    { flags: "--firmware <digest>", what: "the digest that the new firmware must have, in full: answers the question" },
    { flags: "--expires <duration>", what: "how long the statements may be used, like 24h (default 24h)" },
    { flags: "--dry-run", what: "show what would be signed; sign and send nothing" },
  ],
  connects: true,
  formats: FORMATS,
  examples: [
    ["firmware accept 3f9c0a1be27d --selector role=worker --max 16 --reason 'BIOS 1.8 rollout'", "all workers with this change, at most 16"],
    ["firmware accept 3f9c0a1be27d --selector role=worker,release=3 --max 16 --reason drill --dry-run", "who would be approved"],
  ],
  input: z.strictObject({
    baseline: baselineId,
    selector: selectorText,
    max: z.string().regex(/^[1-9][0-9]{0,4}$/, "must be a number from 1 to 99999").transform(Number),
    reason: reasonText,
    firmware: z.string().regex(/^[0-9a-f]{64}$/, "must be the whole digest, 64 hex digits").optional(),
    expires: durationText.default(86_400),
    dryRun: z.boolean().default(false),
  }),
  async run(input, context) {
    const hub = await context.hub();
    const { operator } = hub;
    if (operator === null) throw readOnly(hub.where);
    const change = await findChange(hub, input.baseline);
    const matching = change.nodes.filter((node) => selects(input.selector, node));
    const nodes = matching.filter(isPinned);
    const { id } = change;
    if (nodes.length < matching.length) context.say(`${matching.length - nodes.length} matching node(s) aren't pinned to a slot and stay outside: approve them one by one`);
    if (nodes.length === 0) throw CliError.local("NOT_FOUND", `of the ${change.nodes.length} node(s) with this change, the selector matches none`, `kubedos-hub firmware show ${id}`);
    if (nodes.length > input.max) {
      throw CliError.local("TOO_MANY", `${nodes.length} nodes match, more than --max ${input.max}; nothing was approved`, `kubedos-hub firmware show ${id}`);
    }
    context.say(changeText({ ...change, nodes }));
    const notAfter = Math.floor(context.ports.now() / 1000) + input.expires;
    const approvals = nodes.map((node) => ({ node, approval: makeApproval(node, operator, { slot: node.name, notAfter }) }));
    const digest = firmwareDigest(change.to);
    const print = (outcomes: readonly NodeOutcome[], words: string): void =>
      context.print({ object: firmwareAcceptanceObject(id, digest, outcomes), names: nodes.map((n) => n.id), human: () => [...outcomes.map(outcomeText), words].join("\n") });
    if (input.dryRun) {
      print(nodes.map((node) => outcome(node)), `would approve ${nodes.length} node(s); nothing was signed`);
      return EXIT.ok;
    }
    await confirmFirmware({ digest, id, nodes: nodes.length }, input.firmware, context.ports);
    context.goesOn("approvals that the hub has go on; look with: kubedos-hub nodes");
    const outcomes: NodeOutcome[] = [];
    let exit: ExitCode = EXIT.ok;
    for (const { node, approval } of approvals) {
      try {
        outcomes.push(outcome(await hub.approve({ id: node.id, approval: signApproval(approval, operator), acceptRisks: [] }, input.reason)));
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        // One node that changed meanwhile must not keep the others outside.
        outcomes.push({ ...outcome(node), code: error.code, message: error.message });
        if (exit === EXIT.ok) exit = error.exit;
      }
    }
    const failed = outcomes.filter((o) => o.code !== "").length;
    print(outcomes, `approved ${outcomes.length - failed} of ${outcomes.length} node(s) with firmware change ${id}`);
    return exit;
  },
});

/** A node as it is now; without an error of its own. */
function outcome(node: Node): NodeOutcome {
  return { id: node.id, name: nodeName(node), state: node.state, code: "", message: "" };
}

function outcomeText(o: NodeOutcome): string {
  return `${printable(o.name)}  ${printable(o.state)}${o.code === "" ? "" : `  ${printable(o.code)}: ${printable(o.message)}`}`;
}
