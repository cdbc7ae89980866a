import { AgentError } from "../error.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";

/** What a target writes into the serial number of a data volume's disk, before the volume's name. */
const PREFIX = "kubedos-";

/** A whole disk. */
export interface Disk {
  /** `/dev/vdb`. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * The disk whose serial number names the volume. Who plugged it in is the hypervisor or whoever had the machine open; a
 * disk is believed for what is in it, not for its name. Throws {@link AgentError} `VOLUME_MISSING`, or `VOLUME_AMBIGUOUS` where two bear the name.
 */
export async function findDisk(files: Files, volume: string): Promise<Disk> {
  const found: string[] = [];
  for (const disk of await files.list(PATHS.blockDevices)) {
    const serial = await files.read(`${PATHS.blockDevices}/${disk}/serial`, 256);
    if (serial !== null && new TextDecoder("latin1").decode(serial).trim() === `${PREFIX}${volume}`) found.push(disk);
  }
  const [disk, ...others] = found;
  if (disk === undefined) throw new AgentError("VOLUME_MISSING", `no disk has the serial number ${PREFIX}${volume}`);
  if (others.length > 0) throw new AgentError("VOLUME_AMBIGUOUS", `${found.length} disks have the serial number ${PREFIX}${volume}`);
  // In units of 512 bytes, whatever the disk's sectors are.
  const size = await files.read(`${PATHS.blockDevices}/${disk}/size`, 64);
  return { path: `/dev/${disk}`, bytes: Number(new TextDecoder().decode(size ?? undefined)) * 512 };
}
