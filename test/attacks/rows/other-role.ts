import type { Attack } from "../attack.ts";
import { refusedOutcome } from "../spoil/outcome.ts";

/** A slot of this name is pinned to another role; what boots on its TPM is the release's worker, untouched. */
export const otherRole: Attack = {
  name: "other-role",
  title: "another role's image in this slot: a worker's on the TPM of a storage node",
  ci: false,
  pinnedRole: "storage",
  async run(world) {
    return await refusedOutcome(world, await world.start(world.name));
  },
};
