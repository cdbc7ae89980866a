import { z } from "zod";
import { command } from "../command.ts";
import { evidenceFileText } from "../evidence-file.ts";
import { EXIT } from "../exit-codes.ts";
import { nodeId } from "../node-id.ts";

/** `kubedos-hub node evidence`: what the machine sent, as the file that `inspect evidence` judges. */
export const nodeEvidence = command({
  path: ["node", "evidence"],
  summary: "print a node's last evidence as a file, to judge it elsewhere",
  about: "The challenge in it is spent, so the file is worth nothing to a stranger: it can be looked at, not played again.",
  args: [{ name: "id", what: "id, an unambiguous beginning of it, or name" }],
  options: [],
  connects: true,
  formats: [],
  examples: [["node evidence w-3 > w-3.json", "then: kubedos-hub inspect evidence w-3.json --release release.json --release-key release.pub"]],
  input: z.strictObject({ id: nodeId }),
  async run(input, context) {
    const recorded = await (await context.hub()).getEvidence(input.id);
    context.ports.stdout.write(evidenceFileText(recorded));
    return EXIT.ok;
  },
});
