import { z } from "zod";
import type { HeldRelease } from "../../../proto/gen/kubedos/v1/admin.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { ageOf } from "../output/age.ts";
import { FORMATS } from "../output/format.ts";
import { listObject, releaseObject } from "../output/objects.ts";
import { type Column, renderTable } from "../output/table.ts";

/** `kubedos-hub release list`: which releases judge evidence, which are staged, which are withdrawn. */
export const releaseList = command({
  path: ["release", "list"],
  summary: "list releases and by which of them machines are judged",
  about: "Machines pass by a current release alone. A release below the floor, the highest generation that was ever current, can't become current again.",
  args: [],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [
    ["release list", "states, generations, and how many nodes run each"],
    ["release list -o wide", "whole reasons and the nodes' names"],
  ],
  input: z.strictObject({}),
  async run(_input, context) {
    const { releases, floor } = await (await context.hub()).listReleases();
    const newestFirst = releases.toSorted((a, b) => (a.generation === b.generation ? 0 : a.generation > b.generation ? -1 : 1));
    const items = newestFirst.map(releaseObject);
    context.print({
      object: { ...listObject("ReleaseList", items), ...{ floor: Number(floor) } },
      items,
      names: newestFirst.map((r) => r.id),
      human: (style) => (newestFirst.length === 0 ? "" : renderTable(columns(style), newestFirst, style)),
    });
    context.say(`the generation's floor is ${floor}`);
    return EXIT.ok;
  },
});

function columns(o: { readonly wide: boolean; readonly now: number }): readonly Column<HeldRelease>[] {
  return [
    { header: "ID", cell: (r) => r.id },
    { header: "GEN", cell: (r) => String(r.generation) },
    { header: "STATE", cell: (r) => r.state },
    { header: "SINCE", cell: (r) => ageOf(Number(r.sinceMs), o.now) },
    { header: "NODES", cell: (r) => String(r.nodes.length) },
    { header: "ROLES", shrinks: true, cell: (r) => r.roles.join(",") },
    { header: "REASON", cell: (r) => (o.wide ? r.reason : r.reason.slice(0, 24)) },
    ...(o.wide ? [{ header: "NAMES", cell: (r: HeldRelease) => [...r.nodes].sort().join(",") }] : []),
  ];
}
