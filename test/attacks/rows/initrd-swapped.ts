import type { Attack } from "../attack.ts";
import { BOOT_FILE, copyDisk, putFile } from "../spoil/disk.ts";
import { appendToInitrd, CREDULOUS_WORDS, credulousInit } from "../spoil/initrd.ts";
import { refusedOutcome } from "../spoil/outcome.ts";
import { resignUki } from "../spoil/uki.ts";

/** The db key's holder puts in an init that takes any command line, and extends every word that ours extends. */
export const initrdSwapped: Attack = {
  name: "initrd-swapped",
  title: "UKI with an init that takes any command line, signed with db",
  ci: true,
  async run(world) {
    const init = await credulousInit(world);
    const uki = await resignUki(world.demo, (parts) => ({
      ...parts,
      initrd: appendToInitrd(parts.initrd, [{ type: "file", path: "init", mode: 0o500, data: init }]),
    }));
    const disk = await copyDisk(world);
    await putFile(world, disk, BOOT_FILE, uki);
    const guest = await world.start(world.name, { disk });
    await guest.untilEk();
    const ran = (await guest.serial()).includes(CREDULOUS_WORDS);
    return await refusedOutcome(world, guest, [{ what: "the other init ran, so the refusal is the verdict's", held: ran, detail: CREDULOUS_WORDS }]);
  },
};
