import { z } from "zod";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { nodeId, reasonText } from "../node-id.ts";
import { nodeName } from "../node-state.ts";
import { FORMATS } from "../output/format.ts";
import { nodeObject } from "../output/objects.ts";
import { printable } from "../output/printable.ts";

/** `kubedos-hub deny`: a waiting machine stays outside. */
export const deny = command({
  path: ["deny"],
  summary: "refuse a machine that waits for approval",
  args: [{ name: "id", what: "id, an unambiguous beginning of it, or name" }],
  options: [{ flags: "--reason <text>", what: "why; goes into the audit (required)" }],
  connects: true,
  formats: FORMATS,
  examples: [["deny 3f2a9c01 --reason 'nobody knows this machine'", "it is told no, and the audit says why"]],
  input: z.strictObject({ id: nodeId, reason: reasonText }),
  async run(input, context) {
    const node = await (await context.hub()).deny(input.id, input.reason);
    context.print({ object: nodeObject(node), names: [node.id], human: () => `${printable(nodeName(node))} is ${printable(node.state)}` });
    return EXIT.ok;
  },
});
