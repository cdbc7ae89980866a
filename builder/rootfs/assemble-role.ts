import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runHost } from "../toolchain/run-host.ts";
import { writeAccounts } from "./accounts.ts";
import type { BaseTree } from "./ensure-base.ts";
import { layOver } from "./lay-over.ts";

/** The tree laid over every image, and the units; both in the repository. */
export const rootfsOverlayDir: string = fileURLToPath(new URL("../../rootfs-overlay", import.meta.url));
/** See {@link rootfsOverlayDir}. */
export const systemdDir: string = fileURLToPath(new URL("../../systemd", import.meta.url));

/** A file of a role: bytes, or a copy of a file of the build host. Owned by root. */
export type RoleFile =
  | { readonly path: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly from: string; readonly mode?: number };

/** One role's tree to be made. */
export interface RoleRequest {
  readonly base: BaseTree;
  /** Laid over the base in this order, after {@link rootfsOverlayDir} and {@link systemdDir}. */
  readonly overlayDirs?: readonly string[];
  /** `/usr/lib/kubedos/*` (0755, each with a link in /usr/bin), `/etc/kubedos/image.json`, and so on. */
  readonly files: readonly RoleFile[];
  /** Folder to make; it must not exist. */
  readonly out: string;
  readonly signal?: AbortSignal;
}

const PROGRAMS = "/usr/lib/kubedos";

/** Makes the tree of one role. Modification times are left to makeErofs. Throws ToolError or a file system's error. */
export async function assembleRole(request: RoleRequest): Promise<void> {
  const { base, out } = request;
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  await mkdir(dirname(out), { recursive: true });
  await runHost(["cp", "--archive", "--reflink=auto", "--no-target-directory", base.tree, out], signal);
  await layOver(rootfsOverlayDir, out, ["README.md"]);
  await layOver(systemdDir, join(out, "usr/lib/systemd/system"), ["README.md"]);
  for (const dir of request.overlayDirs ?? []) await layOver(dir, out);
  await writeAccounts(out);
  for (const file of request.files) await addFile(out, file);
}

async function addFile(tree: string, file: RoleFile): Promise<void> {
  const target = join(tree, file.path);
  const program = dirname(file.path) === PROGRAMS;
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  if ("data" in file) await writeFile(target, file.data);
  else await copyFile(file.from, target);
  await chmod(target, file.mode ?? (program ? 0o755 : 0o644));
  if (program) await symlink(file.path, join(tree, "usr/bin", basename(file.path)));
}
