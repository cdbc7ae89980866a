import { z } from "zod";
import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { ON_ITS_WAY } from "../node-state.ts";
import { FORMATS } from "../output/format.ts";
import { renderTable } from "../output/table.ts";

interface Condition {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
}

/** `kubedos-hub health`: named conditions, exit code 0 only if all hold. */
export const health = command({
  path: ["health"],
  summary: "check the connection, the audit's chain and the nodes",
  about: "Exit code 0 if every condition holds, 1 if one doesn't, 6 if the hub can't be reached.",
  args: [],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [
    ["health", "is the hub there, is it ours, is its record whole"],
    ["health -o json", "for a monitor"],
  ],
  input: z.strictObject({}),
  async run(_input, context) {
    const conditions = await judge(context);
    const ok = conditions.every((c) => c.ok);
    context.print({
      object: { apiVersion: "kubedos/v1", kind: "Health", ...{ ok, conditions } },
      names: conditions.filter((c) => !c.ok).map((c) => c.name),
      human: (style) =>
        renderTable(
          [
            { header: "CONDITION", cell: (c: Condition) => c.name },
            { header: "OK", cell: (c: Condition) => (c.ok ? "yes" : "NO") },
            { header: "MESSAGE", shrinks: true, cell: (c: Condition) => c.message },
          ],
          conditions,
          style,
        ),
    });
    if (ok) return EXIT.ok;
    const bad = conditions.filter((c) => !c.ok).map((c) => c.name);
    throw CliError.local("UNHEALTHY", `not healthy: ${bad.join(", ")}`, bad.includes("audit") ? "kubedos-hub audit" : "kubedos-hub nodes");
  },
});

/** A hub that can't be reached ends the command with that error; everything after it is a condition. */
async function judge(context: Context): Promise<readonly Condition[]> {
  const hub = await context.hub();
  const audit = await hub.listAudit(1);
  const nodes = await hub.listNodes([]);
  const window = await hub.getWindow();
  const admitted = nodes.filter((n) => ON_ITS_WAY.includes(n.state));
  const away = admitted.filter((n) => !n.attached);
  const behind = admitted.filter((n) => n.attached && n.serialApplied < n.serialHub);
  const held = nodes.filter((n) => n.code === "MASS_REMOVAL_HELD").map((n) => n.name).sort();
  const how = hub.operator === null ? `${hub.where} answers, reading only` : `${hub.where} is the hub of ${hub.operator.cluster}; you are ${hub.operator.name}`;
  return [
    { name: "hub", ok: true, message: how },
    { name: "audit", ok: audit.intact, message: audit.intact ? "the chain is whole" : "the chain does not add up" },
    { name: "nodes", ok: away.length === 0, message: away.length === 0 ? `${admitted.length} admitted, all attached` : `not attached: ${away.map((n) => n.name).sort().join(", ")}` },
    { name: "peers", ok: behind.length === 0, message: behind.length === 0 ? "every attached node has the newest peers" : `behind: ${behind.map((n) => n.name).sort().join(", ")}` },
    { name: "removals", ok: held.length === 0, message: held.length === 0 ? "none is held" : `MASS_REMOVAL_HELD, nobody was removed: ${held.join(", ")}` },
    // An open window is no fault, but whoever looks at health wants to know.
    { name: "window", ok: true, message: window.open ? `open for ${window.remaining} more` : "closed" },
  ];
}
