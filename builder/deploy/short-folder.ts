import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestPaths } from "../guest/start-guest.ts";
import { DeployError } from "./error.ts";

/** sockaddr_un. */
const MAX_SOCKET_PATH = 107;

/** A path to a folder that leaves room for the names of its sockets. */
export interface ShortFolder {
  readonly path: string;
  /** Takes away what was made for it; the folder stays. */
  release(): Promise<void>;
}

/**
 * The folder itself where the sockets of these guests fit into a socket's address, else a link to it from a new folder of the
 * system's: the kernel counts the path that it is given, not the one that it leads to. Throws DeployError.
 */
export async function shortFolder(dir: string, names: readonly string[], temp: string = tmpdir()): Promise<ShortFolder> {
  if (fits(dir, names)) return { path: dir, release: async () => undefined };
  const made = await mkdtemp(join(temp, "kd-"));
  const path = join(made, "s");
  const release = async (): Promise<void> => await rm(made, { recursive: true, force: true });
  if (!fits(path, names)) {
    await release();
    throw new DeployError("FOREIGN_FOLDER", `sockets have no room under ${dir} nor under ${temp}; take a shorter --state`);
  }
  await symlink(dir, path);
  return { path, release };
}

function fits(dir: string, names: readonly string[]): boolean {
  return names.every((name) => {
    const { tpmSocket, qmpSocket, qgaSocket } = guestPaths(join(dir, name));
    return [tpmSocket, qmpSocket, qgaSocket, stampSocket(join(dir, name))].every((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH);
  });
}

/** Where a guest's vTPM is reached while it is stamped. */
export function stampSocket(dir: string): string {
  return join(dir, "stamp.sock");
}
