import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { constants } from "node:fs";
import { dirname, join } from "node:path";
import { mapToEnd } from "../fetch/map-to-end.ts";
import { describeBytes } from "../fetch/progress.ts";
import { describeLocked } from "../lock/describe.ts";
import { debPath } from "../lock/ensure-debs.ts";
import type { LockedPackage } from "../lock/lock.ts";
import type { Report } from "../toolchain/report.ts";
import { DarksiteError } from "./error.ts";
import { totalBytes } from "./file-list.ts";
import { isFile } from "./hash-file.ts";
import { debFile } from "./paths.ts";

const AT_ONCE = 4;

/** A darksite that packages are taken from. */
export interface DarksiteSource {
  readonly dir: string;
  /** True: what the darksite lacks is an error; false: it is left for the mirrors. */
  readonly strict: boolean;
}

/** Packages to be taken from a darksite. */
export interface FillCacheRequest extends DarksiteSource {
  readonly cacheDir: string;
  readonly packages: readonly LockedPackage[];
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings packages that the cache lacks from a darksite. Each is known by the lock's digest, so the darksite is trusted with nothing.
 * Throws DarksiteError `DARKSITE_LACKS`, ToolError or a file system's error.
 */
export async function fillCache(request: FillCacheRequest): Promise<void> {
  const { cacheDir, packages, report, signal } = request;
  const there = await mapToEnd(packages, AT_ONCE, (p, either) => isFile(debPath(cacheDir, p.sha256), p, { signal: either }), signal);
  const missing = packages.filter((_, i) => there[i] !== true);
  if (missing.length === 0) return;
  report(`taking ${missing.length} Debian package${missing.length === 1 ? "" : "s"}, ${describeBytes(totalBytes(missing))}, from ${request.dir}`);
  await mkdir(dirname(debPath(cacheDir, "")), { recursive: true });
  await mapToEnd(missing, AT_ONCE, (locked, either) => take(locked, { ...request, signal: either }), signal);
}

async function take(locked: LockedPackage, { dir, cacheDir, strict, signal }: FillCacheRequest): Promise<void> {
  const [from, to] = [join(dir, debFile(locked)), debPath(cacheDir, locked.sha256)];
  const part = `${to}.${process.pid}.new`;
  try {
    await copyFile(from, part, constants.COPYFILE_FICLONE);
    if (await isFile(part, locked, { signal })) return await rename(part, to);
    if (strict) throw new DarksiteError("DARKSITE_LACKS", `${from} is not ${describeLocked(locked)}: it has other bytes than the lock says`, "kubedos-build darksite verify DIR, then kubedos-build darksite SPEC --lock LOCK -o DIR where there is a network");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    if (strict) throw new DarksiteError("DARKSITE_LACKS", `${dir} doesn't hold ${describeLocked(locked)}, and neither does the cache`, "kubedos-build darksite SPEC --lock LOCK -o DIR where there is a network, or --mode both", { cause });
  } finally {
    await rm(part, { force: true });
  }
}
