import { mkdir, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ToolError } from "../toolchain/error.ts";
import type { Report } from "../toolchain/report.ts";

const POLL_MS = 100;

/**
 * Runs `work` while no other build works in this folder, which is made. The lock is a socket in Linux's abstract namespace, named after the folder's inode: the
 * kernel lets it go with the process, however that ended. Throws ToolError `ABORTED`, or what `work` throws.
 */
export async function withOutLock<T>(dir: string, report: Report, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  await mkdir(dir, { recursive: true });
  const { dev, ino } = await stat(dir);
  const server = await take(`\0kubedos-out-${dev}-${ino}`, () => report(`waiting for another build that is writing to ${dir}`), signal);
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function take(path: string, wait: () => void, signal?: AbortSignal): Promise<Server> {
  for (let first = true; ; first = false) {
    const server = await bind(path);
    if (server !== undefined) return server;
    if (first) wait();
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
      throw new ToolError("ABORTED", "stopped while it waited for another build", { cause });
    });
  }
}

function bind(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((stranger) => stranger.destroy());
    server.once("error", (cause: NodeJS.ErrnoException) => (cause.code === "EADDRINUSE" ? resolve(undefined) : reject(cause)));
    server.listen({ path, exclusive: true }, () => resolve(server));
  });
}
