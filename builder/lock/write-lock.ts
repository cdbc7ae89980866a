import { rename, rm, writeFile } from "node:fs/promises";
import { encodeLock, type Lock } from "./lock.ts";

/** Writes a lock file: whole or not at all, also where two do it at once. */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  const temp = `${file}.${process.pid}.new`;
  try {
    await writeFile(temp, encodeLock(lock));
    await rename(temp, file);
  } finally {
    await rm(temp, { force: true });
  }
}
