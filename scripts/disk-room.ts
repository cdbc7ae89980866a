import { statfsSync } from "node:fs";

const GIB = 2 ** 30;

/** What a whole run of the tests writes at its peak: the toolchain and package caches, images of every role, guests' disks. */
export const ROOM_FOR_ALL_TESTS = 12 * GIB;

/** Bytes that the caller may still write in a folder's file system. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Bytes in GiB, one decimal. */
export function inGib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

/** Says which of the folders has less than `needed` bytes free, and null when none has. `free` is for tests. */
export function findShortage(folders: readonly string[], needed: number, free: (folder: string) => number = freeBytes): string | null {
  for (const folder of folders) {
    const bytes = free(folder);
    if (bytes < needed) return `${folder} has ${inGib(bytes)} free, and the whole run needs ${inGib(needed)}: guests stop and builds fail on a full disk. Make room, or run single files`;
  }
  return null;
}

/** Looks at the folders' file systems every five seconds; `stop` tells the least room that was seen, so that a failure by a full disk can be told from others. */
export function watchRoom(folders: readonly string[]): { readonly stop: () => number } {
  let least = Math.min(...folders.map(freeBytes));
  const timer = setInterval(() => {
    least = Math.min(least, ...folders.map(freeBytes));
  }, 5000);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      return Math.min(least, ...folders.map(freeBytes));
    },
  };
}
