import { z } from "zod";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { nodeText } from "../output/node-text.ts";
import { nodeObject } from "../output/objects.ts";
import { nodeId } from "../node-id.ts";

/** `kubedos-hub node show`: one node with everything the hub knows of it. */
export const nodeShow = command({
  path: ["node", "show"],
  summary: "show everything the hub knows of one node",
  args: [{ name: "id", what: "id, an unambiguous beginning of it, or name" }],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [
    ["node show w-1", "by name"],
    ["node show 3f2a9c01 -o yaml", "by the beginning of its id, all fields"],
  ],
  input: z.strictObject({ id: nodeId }),
  async run(input, context) {
    const node = await (await context.hub()).getNode(input.id);
    context.print({ object: nodeObject(node), names: [node.id === "" ? node.name : node.id], human: (style) => nodeText(node, style.now) });
    return EXIT.ok;
  },
});
