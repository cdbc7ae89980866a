import type { Attack } from "../attack.ts";
import { copyDisk } from "../spoil/disk.ts";
import { silentOutcome } from "../spoil/outcome.ts";
import { flipRootBlock } from "../spoil/root.ts";

/** One bit on the disk: the kernel stops at the first read of its block. */
export const rootBlockFlipped: Attack = {
  name: "root-block-flipped",
  title: "one bit of the root file system flipped",
  ci: true,
  async run(world) {
    const disk = await copyDisk(world);
    await flipRootBlock(world, disk);
    const guest = await world.start(world.name, { disk });
    const cause = await guest.untilEnded();
    return await silentOutcome(world, guest, [{ what: "the kernel stopped the machine", held: cause === "guest-reset", detail: cause }]);
  },
};
