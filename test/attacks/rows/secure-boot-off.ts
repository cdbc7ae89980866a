import type { Attack } from "../attack.ts";
import { refusedOutcome } from "../spoil/outcome.ts";
import { varsSecureBootOff } from "../spoil/vars.ts";

/** Everything is the release's; only the switch in the firmware's setup is off. */
export const secureBootOff: Attack = {
  name: "secure-boot-off",
  title: "the release's disk, with Secure Boot switched off",
  ci: true,
  async run(world) {
    return await refusedOutcome(world, await world.start(world.name, { vars: await varsSecureBootOff(world) }));
  },
};
