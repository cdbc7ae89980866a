import { chmod, copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runHost } from "../toolchain/run-host.ts";
import { writeAccounts } from "./accounts.ts";
import { enableUnits } from "./enable-units.ts";
import type { RoleTree } from "./ensure-layer.ts";
import { layOver } from "./lay-over.ts";

/** The tree laid over every image, and the units; both in the repository. */
export const rootfsOverlayDir: string = fileURLToPath(new URL("../../rootfs-overlay", import.meta.url));
/** See {@link rootfsOverlayDir}. */
export const systemdDir: string = fileURLToPath(new URL("../../systemd", import.meta.url));

/** A file of a role: bytes, or a copy of a file of the build host. Owned by root. */
export type RoleFile =
  | { readonly path: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly from: string; readonly mode?: number };

/** A folder that is laid over a tree. */
export interface Layer {
  /** For people, the same on every build host. */
  readonly name: string;
  readonly dir: string;
  /** Where in the tree, relative; empty for its root. */
  readonly at: string;
  /** Entries at the folder's top that stay behind. */
  readonly skip: readonly string[];
}

/** What is laid over the base, in this order: ours, then the role's own folders. */
export function layersOf(overlayDirs: readonly string[] = []): readonly Layer[] {
  return [
    { name: "rootfs-overlay", dir: rootfsOverlayDir, at: "", skip: ["README.md"] },
    { name: "systemd", dir: systemdDir, at: "usr/lib/systemd/system", skip: ["README.md"] },
    ...overlayDirs.map((dir) => ({ name: "the role's overlay", dir, at: "", skip: [] })),
  ];
}

/** One role's tree to be made. */
export interface RoleRequest {
  /** The role's name, for errors. */
  readonly role: string;
  /** The base tree, or the role's own over it. On the file system of `out`. */
  readonly from: RoleTree;
  /** Laid over the base in this order, after {@link rootfsOverlayDir} and {@link systemdDir}. */
  readonly overlayDirs?: readonly string[];
  /** What starts once the node is admitted. */
  readonly units?: readonly string[];
  /** `/usr/lib/kubedos/*` (0755, each with a link in /usr/bin), `/etc/kubedos/image.json`, and so on. */
  readonly files: readonly RoleFile[];
  /** Folder to make; it must not exist. */
  readonly out: string;
  readonly signal?: AbortSignal;
}

const PROGRAMS = "/usr/lib/kubedos";

/**
 * Makes the tree of one role; what is as in `from` is the same file, so nothing here writes into a file that is there. Modification times are
 * left to makeErofs. Throws BuildError, ToolError or a file system's error.
 */
export async function assembleRole(request: RoleRequest): Promise<void> {
  const { role, from, out } = request;
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  await mkdir(dirname(out), { recursive: true });
  await runHost(["cp", "--archive", "--link", "--no-target-directory", from.tree, out], signal);
  for (const layer of layersOf(request.overlayDirs)) await layOver(layer.dir, join(out, layer.at), layer.skip);
  await writeAccounts(out);
  for (const file of request.files) await addFile(out, file);
  await enableUnits(out, request.units ?? [], role);
}

/** Where a program of ours is linked to, so that it is found by its name; undefined for other files. */
export function programLink(path: string): string | undefined {
  return dirname(path) === PROGRAMS ? `/usr/bin/${basename(path)}` : undefined;
}

async function addFile(tree: string, file: RoleFile): Promise<void> {
  const target = join(tree, file.path);
  const link = programLink(file.path);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await rm(target, { force: true });
  if ("data" in file) await writeFile(target, file.data);
  else await copyFile(file.from, target);
  await chmod(target, file.mode ?? (link === undefined ? 0o644 : 0o755));
  if (link !== undefined) await symlink(file.path, join(tree, link));
}
