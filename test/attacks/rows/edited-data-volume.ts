import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { qemuValue } from "../../../builder/guest/qemu-value.ts";
import type { Attack } from "../attack.ts";
import { insideOutcome } from "../spoil/credentials.ts";
import { makeFileSystem } from "../spoil/erofs.ts";
import { addPartitions, writeTable } from "../spoil/gpt.ts";
import { proveNotMounted } from "../spoil/mounts.ts";

const VAR_TYPE = "4d21b016-b534-45c2-a9fb-5c16e091fd2d";
const EMPTY_DISK_SECTORS = 8192;

/** A disk of its own that calls itself this role's /var, full of what a machine would read at its start. */
export const editedDataVolume: Attack = {
  name: "edited-data-volume",
  title: "a disk that looks like the role's data volume, edited (a worker has no data volumes: it must be ignored)",
  ci: false,
  async run(world) {
    const content = await makeFileSystem(world, "var", {
      "lib/systemd/linger/root": "",
      "lib/kubedos/image.json": "{}",
      "lib/extensions/attack.raw": "",
      "spool/cron/crontabs/root": "* * * * * touch /run/kubedos/attacked\n",
      "lib/systemd/coredump/x": "",
    });
    const disk = { file: join(world.dir, "data.raw"), format: "raw" } as const;
    await writeFile(disk.file, "");
    await writeTable(disk, { guid: "3e6d9a10-6c0f-4d5c-9a55-51b3f1d6c000", sectors: EMPTY_DISK_SECTORS, partitions: [] });
    await addPartitions(disk, [{ type: VAR_TYPE, guid: "3e6d9a10-6c0f-4d5c-9a55-51b3f1d6c001", name: "kubedos-worker-var", content }]);
    const extraArgv = ["-drive", `if=none,id=data,format=raw,file=${qemuValue(disk.file)},readonly=on`, "-device", "virtio-blk-pci,drive=data,serial=kubedos-data"];
    const guest = await world.start(world.name, { extraArgv, extraBinds: [world.dir] });
    return await insideOutcome(world, guest, () => proveNotMounted(world, guest));
  },
};
