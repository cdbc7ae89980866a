import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { runHost } from "../toolchain/run-host.ts";

/** 1980-01-01T00:00:00Z: the time of every entry, as in Nix's and zip's archives; times of sources say nothing. */
const PACK_TIME = 315_532_800;

/**
 * Packs paths under a folder into an uncompressed tar, without what this host, user, umask or moment would put into it: the same files
 * give the same bytes. Paths that aren't there are left out. Throws ToolError.
 */
export async function pack(dir: string, paths: readonly string[], out: string, excluded: readonly string[] = [], signal?: AbortSignal): Promise<void> {
  const there: string[] = [];
  for (const path of [...paths].sort()) if (await lstat(join(dir, path)).then(() => true, () => false)) there.push(path);
  await runHost(
    [
      "tar",
      "--create",
      `--file=${out}`,
      `--directory=${dir}`,
      "--format=gnu",
      "--sort=name",
      `--mtime=@${PACK_TIME}`,
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--mode=u+rwX,go+rX,go-w",
      ...excluded.map((path) => `--exclude=${path}`),
      "--",
      ...there,
    ],
    signal === undefined ? {} : { signal },
  );
}

/** Unpacks such a tar into a folder that exists; tar itself keeps it there. Throws ToolError. */
export async function unpack(file: string, dir: string, signal?: AbortSignal): Promise<void> {
  await runHost(["tar", "--extract", `--file=${file}`, `--directory=${dir}`, "--no-same-owner", "--same-permissions"], signal === undefined ? {} : { signal });
}
