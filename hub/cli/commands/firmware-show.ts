import { z } from "zod";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { changeText } from "../firmware/change-text.ts";
import { findChange } from "../firmware/find-change.ts";
import { FORMATS } from "../output/format.ts";
import { firmwareChangeObject } from "../output/objects.ts";

/** What `firmware list` calls a change, or the beginning of it. */
export const baselineId = z.string().regex(/^[0-9a-f]{4,12}$/, "must be a change's id, as in the output of: kubedos-hub firmware list");

/** `kubedos-hub firmware show`: one change event by event. */
export const firmwareShow = command({
  path: ["firmware", "show"],
  summary: "show one change of firmware event by event",
  args: [{ name: "baseline", what: "id of the change, or an unambiguous beginning of it" }],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [
    ["firmware show 3f9c0a1be27d", "which events went, which came, and who has them"],
    ["firmware show 3f9c0a1be27d -o json", "the same for programs"],
  ],
  input: z.strictObject({ baseline: baselineId }),
  async run({ baseline }, context) {
    const change = await findChange(await context.hub(), baseline);
    context.print({ object: firmwareChangeObject(change), names: [change.id], human: () => changeText(change) });
    context.say(`next: kubedos-hub firmware accept ${change.id} --selector role=ROLE --max N --reason TEXT`);
    return EXIT.ok;
  },
});
