import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError } from "../error.ts";
import type { Files, WriteOptions } from "../ports.ts";

const CHUNK = 64 * 1024;

/** The real file system; in tests under `root`. */
export function createFiles(root: string): Files {
  const at = (path: string): string => join(root, path);
  return {
    read: (path, max) => read(at(path), max),
    write: (path, data, options) => write(at(path), data, options),
    async list(path) {
      return await orNull(readdir(at(path))) ?? [];
    },
    async remove(path) {
      await rm(at(path), { force: true });
    },
    async exists(path) {
      return (await orNull(lstat(at(path)))) !== null;
    },
  };
}

/** sysfs, procfs and securityfs say size 0 or a lie, so the bound is on what is read, not on what is promised. */
async function read(path: string, max: number): Promise<Uint8Array | null> {
  // O_NONBLOCK: someone may have put a FIFO where a file should be.
  const file = await orNull(open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  if (file === null) return null;
  try {
    if (!(await file.stat()).isFile()) throw new AgentError("BAD_REQUEST", `${path} is no regular file`);
    return await readBounded(file, path, max);
  } finally {
    await file.close();
  }
}

async function readBounded(file: FileHandle, path: string, max: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, total);
    if (bytesRead === 0) return new Uint8Array(Buffer.concat(parts));
    total += bytesRead;
    if (total > max) throw new AgentError("FILE_TOO_LARGE", `${path} has more than ${max} bytes`);
    parts.push(buffer.subarray(0, bytesRead));
  }
}

async function write(path: string, data: Uint8Array, options: WriteOptions): Promise<void> {
  const temporary = `${path}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  await rm(temporary, { force: true });
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, options.mode);
  try {
    await file.writeFile(data);
    await file.chmod(options.mode);
    if (options.ownedByFolder === true) {
      const folder = await stat(dirname(path));
      await file.chown(folder.uid, folder.gid);
    }
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return null;
    throw error;
  }
}
