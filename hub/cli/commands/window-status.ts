import { z } from "zod";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { windowView } from "../output/window-view.ts";

/** `kubedos-hub window status`. */
export const windowStatus = command({
  path: ["window", "status"],
  summary: "say whether new machines may ask, and for how long",
  args: [],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [["window status -o json", "for programs: open, expiresMs, remaining, openedBy"]],
  input: z.strictObject({}),
  async run(_input, context) {
    context.print(windowView(await (await context.hub()).getWindow()));
    return EXIT.ok;
  },
});
