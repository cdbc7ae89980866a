import { z } from "zod";
import type { EkPin } from "../../../proto/gen/kubedos/v1/admin.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { ageOf } from "../output/age.ts";
import { FORMATS } from "../output/format.ts";
import { ekPinObject, listObject } from "../output/objects.ts";
import { type Column, renderTable } from "../output/table.ts";

/** `kubedos-hub ek list`: every slot with the EK that it is for. */
export const ekList = command({
  path: ["ek", "list"],
  summary: "list which EK each slot is for, and who said so",
  about: "delivery: the build host stamped the machine. operator: `ek pin`. A slot without an EK takes any machine that you approve for it.",
  args: [],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [
    ["ek list", "slots, their EK's last digits, and who pinned it"],
    ["ek list -o wide", "whole EK names, to compare with an inventory"],
  ],
  input: z.strictObject({}),
  async run(_input, context) {
    const pins = await (await context.hub()).listEkPins();
    const items = pins.map(ekPinObject);
    context.print({
      object: listObject("EkPinList", items),
      items,
      names: pins.map((p) => p.slot),
      human: (style) => (pins.length === 0 ? "" : renderTable(columns(style), pins, style)),
    });
    return EXIT.ok;
  },
});

function columns(o: { readonly wide: boolean; readonly now: number }): readonly Column<EkPin>[] {
  return [
    { header: "SLOT", min: 10, shrinks: true, cell: (p) => p.slot },
    { header: "ROLE", min: 10, cell: (p) => p.role },
    { header: "EK", min: 9, cell: (p) => (p.ekName === "" ? "" : o.wide ? p.ekName : `…${p.ekName.slice(-8)}`) },
    { header: "PINNED BY", min: 10, cell: pinnedBy },
    { header: "AGE", min: 6, cell: (p) => (p.issuedAtMs === 0n ? "" : ageOf(Number(p.issuedAtMs), o.now)) },
    { header: "NODE", min: 8, cell: (p) => p.node },
  ];
}

function pinnedBy(p: EkPin): string {
  switch (p.source) {
    case "operator":
      return p.operator;
    case "":
      return p.operator === "" ? "" : `none (${p.operator})`;
    default:
      return p.source;
  }
}
