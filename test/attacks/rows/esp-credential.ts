import { utf8 } from "../../../proto/wire/bytes.ts";
import type { Attack } from "../attack.ts";
import { EVIL_CREDENTIALS, proveNothingImported } from "../spoil/credentials.ts";
import { copyDisk, putFile } from "../spoil/disk.ts";
import { refusedOutcome } from "../spoil/outcome.ts";

/** The stub hands over what lies on the ESP, and measures it into PCR 12; init drops it all the same. */
export const espCredential: Attack = {
  name: "esp-credential",
  title: "credentials on the ESP, beside the UKI and for all images",
  ci: true,
  async run(world) {
    const disk = await copyDisk(world);
    for (const [name, text] of EVIL_CREDENTIALS) {
      await putFile(world, disk, `/loader/credentials/${name}.cred`, utf8(text));
      await putFile(world, disk, `/EFI/BOOT/BOOTX64.EFI.extra.d/${name}.cred`, utf8(text));
    }
    const guest = await world.start(world.name, { disk });
    await guest.untilEk();
    return await refusedOutcome(world, guest, await proveNothingImported(world, guest));
  },
};
