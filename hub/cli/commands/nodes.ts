import { z } from "zod";
import type { Node } from "../../../proto/gen/kubedos/v1/admin.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { nodeColumns } from "../output/node-columns.ts";
import { listObject, nodeObject } from "../output/objects.ts";
import { renderTable } from "../output/table.ts";
import type { View } from "../output/view.ts";
import { nodeName } from "../node-state.ts";
import { watchNodes } from "../watch.ts";

/** `kubedos-hub nodes`: every node and every expected slot. */
export const nodes = command({
  path: ["nodes"],
  summary: "list nodes and the slots that are still expected",
  args: [],
  options: [
    { flags: "--state <state>", what: "only nodes in this state (may be given more than once)", repeats: true },
    { flags: "--watch", what: "go on and print what changes, until Ctrl-C" },
  ],
  connects: true,
  formats: FORMATS,
  examples: [
    ["nodes", "the whole cluster at a glance"],
    ["nodes --state rejected -o name", "ids of the machines that were refused"],
    ["nodes --watch -o json", "one {type, object} a line, for programs"],
  ],
  input: z.strictObject({ state: z.array(z.string().regex(/^[a-z]+$/, "must be a state like pending")).default([]), watch: z.boolean().default(false) }),
  async run(input, context) {
    const hub = await context.hub();
    const list = async () => (await hub.listNodes(input.state)).toSorted(byName);
    if (input.watch) return await watchNodes(context, list, nodeColumns);
    const found = await list();
    context.print(nodesView(found));
    if (found.length === 0) context.say("no nodes");
    return EXIT.ok;
  },
});

function nodesView(found: readonly Node[]): View {
  const items = found.map(nodeObject);
  return {
    object: listObject("NodeList", items),
    items,
    names: found.map((n) => (n.id === "" ? n.name : n.id)),
    human: (style) => (found.length === 0 ? "" : renderTable(nodeColumns(found, style), found, style)),
  };
}

/** Named first, in the order of names with numbers counted as numbers; then by id. */
function byName(a: Node, b: Node): number {
  if ((a.name === "") !== (b.name === "")) return a.name === "" ? 1 : -1;
  return nodeName(a).localeCompare(nodeName(b), "en", { numeric: true }) || (a.id < b.id ? -1 : 1);
}
