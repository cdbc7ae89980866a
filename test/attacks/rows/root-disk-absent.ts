import type { Attack } from "../attack.ts";
import { copyDisk } from "../spoil/disk.ts";
import { readGpt, writeTable } from "../spoil/gpt.ts";
import { silentOutcome } from "../spoil/outcome.ts";

/** Only the ESP is left: init waits for the root it knows, takes no other, and gives up. */
export const rootDiskAbsent: Attack = {
  name: "root-disk-absent",
  title: "the release's UKI without the disk that it belongs to",
  ci: false,
  async run(world) {
    const disk = await copyDisk(world);
    const table = await readGpt(disk);
    await writeTable(disk, { ...table, partitions: table.partitions.filter((p) => p.name === "esp") });
    const guest = await world.start(world.name, { disk });
    const cause = await guest.untilEnded();
    return await silentOutcome(world, guest, [{ what: "the machine switched itself off", held: cause === "guest-shutdown", detail: cause }]);
  },
};
