import { z } from "zod";
import { command } from "../command.ts";
import { durationText } from "../duration.ts";
import { EXIT } from "../exit-codes.ts";
import { FORMATS } from "../output/format.ts";
import { windowView } from "../output/window-view.ts";

/** `kubedos-hub window open`: lets new identities ask, for a time and a number. */
export const windowOpen = command({
  path: ["window", "open"],
  summary: "let new machines ask for a while",
  about: "A window ends by itself: after its time, or when as many new identities have asked as it is for. Asking is not being let in.",
  args: [],
  options: [
    { flags: "--for <duration>", what: "how long, like 15m (default 15m, at most 24h)" },
    { flags: "--max <count>", what: "how many new identities may ask (default 16)" },
  ],
  connects: true,
  formats: FORMATS,
  examples: [["window open --for 10m --max 4", "four machines, ten minutes"]],
  input: z.strictObject({
    for: durationText.pipe(z.int().max(86_400, "must be at most 24h")).default(900),
    max: z
      .string()
      .regex(/^[1-9][0-9]{0,4}$/, "must be a number from 1 to 99999")
      .transform(Number)
      .default(16),
  }),
  async run(input, context) {
    context.print(windowView(await (await context.hub()).openWindow(input.for, input.max)));
    return EXIT.ok;
  },
});
