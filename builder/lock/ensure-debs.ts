import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { distro } from "../distro/current.ts";
import { mapLimited } from "../release/map-limited.ts";
import type { Report } from "../toolchain/report.ts";
import { withWorkFolder } from "../toolchain/work-folder.ts";
import { describeLocked } from "./describe.ts";
import { LockError } from "./error.ts";
import { debUrl, type Download, ELSEWHERE, fetchDebs } from "./fetch-debs.ts";
import type { LockedPackage, Origin } from "./lock.ts";

const HASHERS = 4;

/** Where a file with this digest is kept, for good. */
export function debPath(cacheDir: string, sha256: string): string {
  return join(cacheDir, "debs", `${sha256}.deb`);
}

/**
 * Sees to it that the cache holds every one of these files, bit for bit as locked, and gives their paths. What is there is hashed
 * again; what isn't, or is spoilt, is fetched by its path, so a full cache needs no network. Throws LockError or ToolError.
 */
export async function ensureDebs(cacheDir: string, origins: readonly Origin[], packages: readonly LockedPackage[], report: Report, signal?: AbortSignal): Promise<readonly string[]> {
  const digests = await mapLimited(packages, HASHERS, (p) => fileSha256(debPath(cacheDir, p.sha256)));
  const missing = packages.filter((p, i) => digests[i] !== p.sha256);
  if (missing.length > 0) await fetchMissing(cacheDir, origins, missing, report, signal);
  return packages.map((p) => debPath(cacheDir, p.sha256));
}

async function fetchMissing(cacheDir: string, origins: readonly Origin[], missing: readonly LockedPackage[], report: Report, signal?: AbortSignal): Promise<void> {
  const bytes = missing.reduce((sum, p) => sum + p.size, 0);
  report(`fetching ${missing.length} Debian package${missing.length === 1 ? "" : "s"}, ${(bytes / 1e6).toFixed(1)} MB`);
  await withWorkFolder(join(cacheDir, "debs"), "downloads", async (temp) => {
    const downloads = missing.map((locked): Download => ({ locked, url: debUrl(origins, locked), path: join(temp, `${locked.sha256}.deb`) }));
    await fetchDebs(downloads, distro.keyring, signal);
    await mapLimited(downloads, HASHERS, (download) => keep(cacheDir, download));
  });
}

/** Nothing gets a digest for a name without having it. */
async function keep(cacheDir: string, { locked, url, path }: Download): Promise<void> {
  const found = await fileSha256(path);
  if (found !== locked.sha256) {
    throw new LockError("DEB_DIFFERS", `${describeLocked(locked)} has SHA-256 ${locked.sha256} in the lock, but ${url} sends ${found ?? "nothing"}`, ELSEWHERE);
  }
  await rename(path, debPath(cacheDir, locked.sha256));
}

/** Hex; undefined where there is no such file. */
async function fileSha256(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
  return hash.digest("hex");
}
