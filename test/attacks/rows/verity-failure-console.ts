import type { Attack } from "../attack.ts";
import { copyDisk } from "../spoil/disk.ts";
import { hammer, proveNoPrompt } from "../spoil/keyboard.ts";
import { silentOutcome } from "../spoil/outcome.ts";
import { flipRootBlock } from "../spoil/root.ts";

/** Where other systems offer a rescue shell, ours has none. */
export const verityFailureConsole: Attack = {
  name: "verity-failure-console",
  title: "a damaged root file system, and somebody at the console who wants a shell",
  ci: false,
  async run(world) {
    const disk = await copyDisk(world);
    await flipRootBlock(world, disk);
    const guest = await world.start(world.name, { disk, serialInput: true });
    const ended = guest.untilEnded();
    await hammer(guest, ended);
    const cause = await ended;
    const proofs = [await proveNoPrompt(guest), { what: "the kernel stopped the machine", held: cause === "guest-reset", detail: cause }];
    return await silentOutcome(world, guest, proofs);
  },
};
