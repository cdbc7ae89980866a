import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../error.ts";
import type { BlockDevices } from "../volumes/ports.ts";

/** The kernel's block devices; in tests regular files under `root`. */
export function createBlocks(root: string): BlockDevices {
  const using = async <T>(path: string, flags: number, work: (device: FileHandle) => Promise<T>): Promise<T> => {
    const device = await open(join(root, path), flags | constants.O_NOFOLLOW);
    try {
      const stat = await device.stat();
      if (!(root === "/" ? stat.isBlockDevice() : stat.isFile())) throw new AgentError("VOLUME_MISSING", `${path} is no block device`);
      return await work(device);
    } finally {
      await device.close();
    }
  };
  return {
    read: (path, offset, bytes) =>
      using(path, constants.O_RDONLY, async (device) => {
        const data = new Uint8Array(bytes);
        let at = 0;
        while (at < bytes) {
          const { bytesRead } = await device.read(data, at, bytes - at, offset + at);
          if (bytesRead === 0) break;
          at += bytesRead;
        }
        return data.subarray(0, at);
      }),
    write: (path, offset, data) =>
      using(path, constants.O_WRONLY, async (device) => {
        for (let at = 0; at < data.length; ) at += (await device.write(data, at, data.length - at, offset + at)).bytesWritten;
        await device.sync();
      }),
  };
}
