import type { Attack } from "../attack.ts";
import { insideOutcome } from "../spoil/credentials.ts";
import { copyDisk } from "../spoil/disk.ts";
import { makeFileSystem } from "../spoil/erofs.ts";
import { addPartitions } from "../spoil/gpt.ts";
import { proveNotMounted } from "../spoil/mounts.ts";

/** Discoverable Partitions Specification (UAPI.2), x86-64: what systemd mounts by type alone where it may. */
const TYPES: readonly (readonly [string, string])[] = [
  ["root", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"],
  ["usr", "8484680c-9521-48c6-9c11-b0720656f69e"],
  ["home", "933ac7e1-2eb4-4f13-b844-0e14e2aef915"],
  ["srv", "3b8f8425-20e0-4f3b-907f-1a25a76f98e8"],
  ["var", "4d21b016-b534-45c2-a9fb-5c16e091fd2d"],
  ["tmp", "7ec6f557-3bc5-4aca-b293-16ef5df639d1"],
  ["swap", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"],
];
const SWAP_BYTES = 2 ** 20;
const PAGE = 4096;

/** Partitions beside the sealed ones, on the disk that the machine booted from. */
export const extraGptPartition: Attack = {
  name: "extra-gpt-partition",
  title: "partitions of discoverable types, with units and programs in them",
  ci: true,
  async run(world) {
    const unit = "[Service]\nExecStart=/usr/bin/touch /run/kubedos/attacked\n";
    const content = await makeFileSystem(world, "extra", {
      "etc/systemd/system/attack.service": unit,
      "lib/systemd/system/sysinit.target.wants/attack.service": unit,
      "lib/kubedos/kubedos-agent": "#!/bin/sh\n",
    });
    const disk = await copyDisk(world);
    await addPartitions(disk, TYPES.map(([name, type], i) => ({ type, name: `extra-${name}`, guid: `3e6d9a10-6c0f-4d5c-9a55-51b3f1d6b00${i}`, content: name === "swap" ? swapHeader() : content })));
    const guest = await world.start(world.name, { disk });
    return await insideOutcome(world, guest, () => proveNotMounted(world, guest));
  },
};

/** What mkswap writes (Linux include/linux/swap.h): version, last page, and the magic at the end of the first page. */
function swapHeader(): Uint8Array {
  const data = new Uint8Array(SWAP_BYTES);
  const view = new DataView(data.buffer);
  view.setUint32(1024, 1, true);
  view.setUint32(1028, SWAP_BYTES / PAGE - 1, true);
  data.set(new TextEncoder().encode("SWAPSPACE2"), PAGE - 10);
  return data;
}
