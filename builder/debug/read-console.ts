import { open } from "node:fs/promises";

/** Of a longer log the end counts: a guest may write as much as it likes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The end of a serial log as latin1, at most {@link MAX_BYTES}. Throws the file system's error. */
export async function readConsole(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, MAX_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, Math.max(0, size - MAX_BYTES));
    return buffer.subarray(0, bytesRead).toString("latin1");
  } finally {
    await handle.close();
  }
}
