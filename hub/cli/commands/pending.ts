import { z } from "zod";
import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { awaitsOperator, isUnanchored, MAY_WAIT } from "../node-state.ts";
import { FORMATS } from "../output/format.ts";
import { pendingColumns } from "../output/node-columns.ts";
import { listObject, nodeObject } from "../output/objects.ts";
import { renderTable } from "../output/table.ts";
import type { View } from "../output/view.ts";
import { watchNodes } from "../watch.ts";

/** `kubedos-hub pending`: who waits for an operator, the machines that nobody vouches for first. */
export const pending = command({
  path: ["pending"],
  summary: "list machines that wait for an operator's decision",
  about:
    "Unanchored machines come first: their boot is right, but nobody vouches for their TPM, so anyone's laptop could be one. " +
    "Quarantined ones failed after they had been approved and have shown good evidence since; they stay outside until you approve them anew.",
  args: [],
  options: [{ flags: "--watch", what: "go on and print what changes, until Ctrl-C" }],
  connects: true,
  formats: FORMATS,
  examples: [
    ["pending", "who waits, and why"],
    ["pending -o wide", "whole ids and EK names, to compare with the pin file"],
    ["pending --watch -o json", "one {type, object} a line, for programs"],
  ],
  input: z.strictObject({ watch: z.boolean().default(false) }),
  async run(input, context) {
    const hub = await context.hub();
    const list = async () => (await hub.listNodes(MAY_WAIT)).filter(awaitsOperator).toSorted(unanchoredFirst);
    if (input.watch) return await watchNodes(context, list, pendingColumns);
    const found = await list();
    context.print(pendingView(found));
    warn(found, context);
    return EXIT.ok;
  },
});

function pendingView(found: readonly Node[]): View {
  const items = found.map(nodeObject);
  return {
    object: listObject("NodeList", items),
    items,
    names: found.map((n) => n.id),
    human: (style) => (found.length === 0 ? "" : renderTable(pendingColumns(found, style), found, style)),
  };
}

function warn(found: readonly Node[], context: Context): void {
  if (found.length === 0) return context.say("nobody is waiting; machines can ask while a window is open: kubedos-hub window status");
  const unanchored = found.filter(isUnanchored).length;
  if (unanchored > 0) {
    context.say(
      `WARNING: ${unanchored} unanchored: nobody vouches for ${unanchored === 1 ? "this TPM" : "these TPMs"}; ` +
        "anyone's laptop can run one like it, and no policy lets it in",
    );
  }
  const failed = found.filter((n) => n.state === "quarantined").length;
  if (failed > 0) context.say(`${failed} quarantined: failed after approval, and good again; look first: kubedos-hub explain ID, or kubedos-hub firmware list`);
  if (unanchored < found.length) context.say("next: kubedos-hub approve ID");
}

function unanchoredFirst(a: Node, b: Node): number {
  const [ua, ub] = [isUnanchored(a), isUnanchored(b)];
  if (ua !== ub) return ua ? -1 : 1;
  if (a.firstSeenMs !== b.firstSeenMs) return a.firstSeenMs < b.firstSeenMs ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
