import type { Attack } from "../attack.ts";
import { refusedOutcome } from "../spoil/outcome.ts";
import { varsSetupMode } from "../spoil/vars.ts";

/** Everything is the release's; firmware has no keys, so that anybody may enrol his. */
export const setupMode: Attack = {
  name: "setup-mode",
  title: "the release's disk, with a variable store in Setup Mode",
  ci: false,
  async run(world) {
    return await refusedOutcome(world, await world.start(world.name, { vars: await varsSetupMode(world) }));
  },
};
