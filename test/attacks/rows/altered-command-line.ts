import { utf8 } from "../../../proto/wire/bytes.ts";
import type { Attack } from "../attack.ts";
import { BOOT_FILE, copyDisk, putFile } from "../spoil/disk.ts";
import { silentOutcome } from "../spoil/outcome.ts";
import { resignUki } from "../spoil/uki.ts";

/** The db key's holder adds a word to the sealed command line: init finds it, before anything else is mounted. */
export const alteredCommandLine: Attack = {
  name: "altered-command-line",
  title: "UKI with another command line, signed with the cluster's own db key",
  ci: true,
  async run(world) {
    const disk = await copyDisk(world);
    const uki = await resignUki(world.demo, (parts) => ({ ...parts, cmdline: utf8(`${new TextDecoder().decode(parts.cmdline)} systemd.unit=rescue.target`) }));
    await putFile(world, disk, BOOT_FILE, uki);
    const guest = await world.start(world.name, { disk });
    const cause = await guest.untilEnded();
    return await silentOutcome(world, guest, [{ what: "the machine switched itself off", held: cause === "guest-shutdown", detail: cause }]);
  },
};
