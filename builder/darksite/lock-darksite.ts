import { mkdir, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { DarksiteError } from "./error.ts";

/**
 * Takes a darksite for this process and gives back what releases it: a name in Linux's abstract socket namespace, which the kernel
 * lets go with the process however that ends. Throws DarksiteError `DARKSITE_BUSY`.
 */
export async function lockDarksite(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true });
  const { dev, ino } = await stat(dir);
  const server = createServer((stranger) => stranger.destroy());
  await bind(server, `\0kubedos-darksite-${dev}-${ino}`).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EADDRINUSE") throw cause;
    throw new DarksiteError("DARKSITE_BUSY", `another process is filling ${dir}`, "wait for it, or end it and run the command again: it goes on where it was", { cause });
  });
  return () => new Promise((resolve) => void server.close(() => resolve()));
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, exclusive: true }, () => (server.unref(), resolve()));
  });
}
