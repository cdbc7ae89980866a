import type { Attack } from "../attack.ts";
import { copyDisk } from "../spoil/disk.ts";
import { silentOutcome } from "../spoil/outcome.ts";
import { flipRootBlock, swapVerityTree } from "../spoil/root.ts";

/** A changed root with a hash tree that fits it: what is left is the root hash in the sealed command line. */
export const verityTreeSwapped: Attack = {
  name: "verity-tree-swapped",
  title: "root file system changed, and its hash tree made anew",
  ci: false,
  async run(world) {
    const disk = await copyDisk(world);
    await flipRootBlock(world, disk);
    await swapVerityTree(world, disk);
    const guest = await world.start(world.name, { disk });
    const cause = await guest.untilEnded();
    return await silentOutcome(world, guest, [{ what: "the kernel stopped the machine", held: cause === "guest-reset", detail: cause }]);
  },
};
