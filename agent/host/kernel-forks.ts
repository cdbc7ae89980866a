import { constants, openSync, readSync } from "node:fs";
import type { Log, VmForks } from "../ports.ts";

/** What the kernel says when the vmgenid device has a new id and its random numbers were made anew (drivers/char/random.c). It tells userspace nothing else. */
const FORK = "crng reseeded due to virtual machine fork";
/** One record of /dev/kmsg is at most as large as this (CONSOLE_EXT_LOG_MAX). */
const RECORD_BYTES = 8192;
/** Records of one look: the log of a whole boot is read in a few, beside other work. */
const RECORDS = 256;

/**
 * Forks by the kernel's log: the mark is the line's sequence number. Only lines of the kernel itself count; what programs
 * write into the log bears another facility. A machine without such a log has no forks; one that can't be read is said once.
 */
export function kernelForks(path: string, log: Log): VmForks {
  let fd: number | null | undefined;
  let latest = "";
  let rest = "";
  const buffer = Buffer.alloc(RECORD_BYTES);
  return {
    latest() {
      if (fd === undefined) fd = openLog(path, log);
      for (let n = 0; fd !== null && n < RECORDS; n++) {
        const text = readRecord(fd, buffer);
        if (text === null) break;
        const lines = `${rest}${text}`.split("\n");
        rest = (lines.pop() ?? "").slice(-RECORD_BYTES);
        for (const line of lines) latest = forkOf(line) ?? latest;
      }
      return latest;
    },
  };
}

/** Prefix (facility × 8 + level), sequence number, time, flags; text (Documentation/ABI/testing/dev-kmsg). */
function forkOf(line: string): string | null {
  const [, prefix, sequence, text] = /^(\d{1,10}),(\d{1,20}),\d+,[^;]*;(.*)$/.exec(line) ?? [];
  return sequence !== undefined && text === `random: ${FORK}` && Number(prefix) < 8 ? sequence : null;
}

function openLog(path: string, log: Log): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "?";
    if (code !== "ENOENT") log.line(`can't see whether this machine is set back: ${path}: ${code}`);
    return null;
  }
}

/** Null: nothing more for now. */
function readRecord(fd: number, buffer: Buffer): string | null {
  try {
    const bytes = readSync(fd, buffer, 0, buffer.length, null);
    return bytes === 0 ? null : buffer.toString("latin1", 0, bytes);
  } catch (error) {
    // Records that were overwritten before we came: the next one is the oldest that is left.
    return error instanceof Error && "code" in error && error.code === "EPIPE" ? "" : null;
  }
}
