import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { DeployError } from "./error.ts";

/** Says in words which process it is; the lock itself is no file. */
export const PID_FILE = "deploy.pid";

/**
 * Takes a folder for this process and gives back what releases it. The lock is a socket in Linux's abstract namespace, named
 * after the folder's inode: the kernel lets it go with the process that holds it, however that ended, so no lock is ever
 * left behind or taken twice. Throws DeployError `STATE_IN_USE`.
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const { dev, ino } = await stat(dir);
  const file = join(dir, PID_FILE);
  const server = await bind(`\0kubedos-state-${dev}-${ino}`).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EADDRINUSE") throw cause;
    const pid = (await readFile(file, "utf8").catch(() => "")).slice(0, 10);
    throw new DeployError("STATE_IN_USE", `process ${/^\d+$/.test(pid) ? pid : "of an unknown number"} runs the guests in ${dir}; end it first`, { cause });
  });
  await writeFile(file, String(process.pid), { mode: 0o600 });
  return async () => {
    await rm(file, { force: true });
    await new Promise((resolve) => server.close(resolve));
  };
}

function bind(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((stranger) => stranger.destroy());
    server.once("error", reject);
    server.listen({ path, exclusive: true }, () => resolve(server.unref()));
  });
}
