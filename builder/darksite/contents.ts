import { constants } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Registry } from "../containers/registry.ts";
import { fetchFile } from "../fetch/fetch-file.ts";
import { describeLocked } from "../lock/describe.ts";
import { debPath } from "../lock/ensure-debs.ts";
import { debUrl } from "../lock/fetch-debs.ts";
import type { LockedImage } from "../lock/extras.ts";
import type { Lock } from "../lock/lock.ts";
import type { ListedFile } from "./file-list.ts";
import { isFile } from "./hash-file.ts";
import { blobFile, DARKSITE, debFile, plainFile, wheelFile } from "./paths.ts";
import { settle, writeWhole } from "./write-whole.ts";

/** How a file of a darksite is put into its place, whole or not at all. */
export interface GetOptions {
  /** The darksite; absolute. */
  readonly dir: string;
  readonly cacheDir: string;
  readonly onBytes: (count: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** A file that a lock wants in a darksite, and how to get it. */
export interface Content extends ListedFile {
  readonly get: (options: GetOptions) => Promise<void>;
}

/** Everything that a lock names, each file once. */
export function contentsOf(lock: Lock): readonly Content[] {
  const debs = lock.packages.map((locked): Content => {
    const { size, sha256 } = locked;
    const file = { path: debFile(locked), size, sha256 };
    return { ...file, get: async (o) => ((await copyFrom(debPath(o.cacheDir, sha256), file, o)) ? undefined : fetchTo(debUrl(lock.origins, locked), describeLocked(locked), file, o)) };
  });
  const files = (lock.files ?? []).map((locked) => byUrl(locked.url, `file ${locked.name} ${locked.version}`, { path: plainFile(locked), size: locked.size, sha256: locked.sha256 }));
  const wheels = (lock.wheels ?? []).map((locked) => byUrl(locked.url, `wheel ${locked.file}`, { path: wheelFile(locked), size: locked.size, sha256: locked.sha256 }));
  const all = [...debs, ...(lock.containers ?? []).flatMap(imageContents), ...files, ...wheels];
  return [...new Map(all.map((content) => [content.path, content])).values()];
}

function byUrl(url: string, what: string, file: ListedFile): Content {
  return { ...file, get: (o) => fetchTo(url, what, file, o) };
}

function imageContents(image: LockedImage): readonly Content[] {
  const { name, registry: host, repository } = image;
  const manifest: ListedFile = { path: blobFile(image.sha256), size: image.size, sha256: image.sha256 };
  const blobs = [image.config, ...image.layers].map(({ sha256, size }): Content => {
    const file = { path: blobFile(sha256), size, sha256 };
    return {
      ...file,
      get: async (o) => {
        const { url, headers } = await new Registry(host, o.signal).blob(repository, sha256);
        await fetchTo(url, `a part of container image ${name}`, file, o, headers);
      },
    };
  });
  return [{ ...manifest, get: async (o) => writeWhole(o.dir, manifest.path, (await new Registry(host, o.signal).manifest(repository, `sha256:${image.sha256}`)).bytes) }, ...blobs];
}

function fetchTo(url: string, what: string, { path, size, sha256 }: ListedFile, { dir, onBytes, signal }: GetOptions, headers?: Readonly<Record<string, string>>): Promise<void> {
  return fetchFile({ url, what, size, sha256, headers, path: join(dir, path), partial: join(dir, DARKSITE.partial), onBytes, signal });
}

/** Takes a file from a place on this machine, if it is there as it should be. Throws a file system's error. */
export async function copyFrom(source: string, file: ListedFile, o: GetOptions): Promise<boolean> {
  const [part, path] = [join(o.dir, DARKSITE.partial, file.sha256), join(o.dir, file.path)];
  await mkdir(dirname(part), { recursive: true });
  try {
    await copyFile(source, part, constants.COPYFILE_FICLONE);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw cause;
  }
  // The copy is what counts: a bad disk shows in what was read back.
  if (await isFile(part, file, o)) {
    await settle(part, path);
    return true;
  }
  await rm(part);
  return false;
}
