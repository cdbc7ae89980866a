import { z } from "zod";
import { command } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { windowView } from "../output/window-view.ts";

/** `kubedos-hub window close`. */
export const windowClose = command({
  path: ["window", "close"],
  summary: "end the enrolment window now",
  args: [],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [["window close", "no further machine may ask; those that wait go on waiting"]],
  input: z.strictObject({}),
  async run(_input, context) {
    context.print(windowView(await (await context.hub()).closeWindow()));
    return EXIT.ok;
  },
});
