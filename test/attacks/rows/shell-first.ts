import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ukiFile } from "../../../builder/release/release-files.ts";
import { utf8 } from "../../../proto/wire/bytes.ts";
import type { Attack } from "../attack.ts";
import { BOOT_FILE, copyDisk, putFile } from "../spoil/disk.ts";
import { refusedOutcome } from "../spoil/outcome.ts";
import { signWithDb } from "../spoil/uki.ts";

/** A boot menu with an editor and a shell of its own; the release's UKI comes after it, untouched and verified by firmware. */
const MENU = "usr/lib/systemd/boot/efi/systemd-bootx64.efi";

/** Whatever ran first could have left anything in memory: PCR 4 has one event too many. */
export const shellFirst: Attack = {
  name: "shell-first",
  title: "another program signed with db started first, then the release's own UKI",
  ci: true,
  async run(world) {
    const { demo } = world;
    const menu = new Uint8Array(await readFile(join(demo.built.tc.tree, MENU)));
    const disk = await copyDisk(world);
    await putFile(world, disk, BOOT_FILE, await signWithDb(demo, menu));
    await putFile(world, disk, "/EFI/Linux/kubedos.efi", await demo.releaseFile(ukiFile("worker")));
    await putFile(world, disk, "/loader/loader.conf", utf8("timeout 0\n"));
    return await refusedOutcome(world, await world.start(world.name, { disk }));
  },
};
