import { utf8 } from "../../../proto/wire/bytes.ts";
import type { Attack } from "../attack.ts";
import { copyDisk, putFile } from "../spoil/disk.ts";
import { makeAddon } from "../spoil/initrd.ts";
import { refusedOutcome } from "../spoil/outcome.ts";
import { signWithDb, ukiParts } from "../spoil/uki.ts";

const WORD = "kubedos.attack=1";

/**
 * The db key's holder leaves the UKI alone and lays an add-on beside it: a word for the command line, and an initrd that replaces the
 * copy with which init compares. So init goes on, and the verdict has to see it.
 */
export const ukiAddon: Attack = {
  name: "uki-addon",
  title: "an add-on signed with db beside the UKI, that also replaces what init compares with",
  ci: true,
  async run(world) {
    const sealed = new TextDecoder().decode((await ukiParts(world.demo)).cmdline);
    const addon = await makeAddon(world, { cmdline: WORD, entries: [{ type: "file", path: "cmdline", mode: 0o400, data: utf8(`${sealed} ${WORD}`) }] });
    const disk = await copyDisk(world);
    await putFile(world, disk, "/EFI/BOOT/BOOTX64.EFI.extra.d/attack.addon.efi", await signWithDb(world.demo, addon));
    const guest = await world.start(world.name, { disk });
    await guest.untilEk();
    const { cmdline } = await guest.look();
    return await refusedOutcome(world, guest, [{ what: "from inside: the add-on was taken, so the refusal is the verdict's", held: cmdline.endsWith(` ${WORD}`), detail: cmdline.slice(-40) }]);
  },
};
