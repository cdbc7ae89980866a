import { assembleUki } from "../../../builder/uki/assemble.ts";
import type { Attack } from "../attack.ts";
import { BOOT_FILE, copyDisk, putFile } from "../spoil/disk.ts";
import { silentOutcome } from "../spoil/outcome.ts";
import { ukiParts } from "../spoil/uki.ts";

/** The release's own UKI, byte for byte, but for its signature: firmware starts nothing. */
export const unsignedUki: Attack = {
  name: "unsigned-uki",
  title: "the release's UKI without its signature",
  ci: true,
  async run(world) {
    const disk = await copyDisk(world);
    await putFile(world, disk, BOOT_FILE, assembleUki(await ukiParts(world.demo)));
    const guest = await world.start(world.name, { disk });
    await guest.untilSerial(/Access Denied/);
    return await silentOutcome(world, guest);
  },
};
