import { stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { KeysError } from "./error.ts";

const PATIENCE_MS = 30_000;

/**
 * Runs `work` while no other process changes this key directory. The lock is a socket in Linux's abstract namespace, named
 * after the folder's inode: the kernel lets it go with the process that holds it. Throws KeysError `IN_USE` after half a minute.
 */
export async function withKeysLock<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const { dev, ino } = await stat(dir);
  const server = await listen(`\0kubedos-keys-${dev}-${ino}`, dir);
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function listen(path: string, dir: string): Promise<Server> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(20)) {
    try {
      return await bind(path);
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE")) throw cause;
      if (Date.now() > end) throw new KeysError("IN_USE", `another process has been changing ${dir} for ${PATIENCE_MS / 1000} s`, { cause });
    }
  }
}

function bind(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((stranger) => stranger.destroy());
    server.once("error", reject);
    server.listen({ path, exclusive: true }, () => resolve(server.unref()));
  });
}
