import { access } from "node:fs/promises";
import { ToolError } from "../toolchain/error.ts";
import type { Argv } from "../toolchain/run-host.ts";
import { withAptRoot } from "./apt-root.ts";
import { describeLocked } from "./describe.ts";
import { LockError } from "./error.ts";
import type { LockedPackage, Origin } from "./lock.ts";

/** A file to be fetched: what, from where, to where. */
export interface Download {
  readonly locked: LockedPackage;
  readonly url: string;
  /** Absolute path; its folder exists. */
  readonly path: string;
}

const HELPER = "/usr/lib/apt/apt-helper";
const UPDATE = "kubedos-build lock SPEC -o LOCK --update";
/** What helps where a mirror sends something else than was locked. */
export const ELSEWHERE: string = `try another mirror or network; if Debian itself replaced the file: ${UPDATE}`;
/** One process of apt fetches so many over one connection; more would make a stop by the user and the progress coarse. */
const AT_ONCE = 40;

/** The address of a package's file. */
export function debUrl(origins: readonly Origin[], locked: LockedPackage): string {
  const origin = origins.find((o) => o.name === locked.origin);
  return `${origin?.mirror ?? ""}/${locked.path}`;
}

/**
 * Fetches files by apt's own downloader. A mirror can't send more than a file's size in the lock; contents are for the caller to check.
 * Throws LockError `DEB_GONE`, `DEB_UNREACHABLE` or `DEB_DIFFERS` for the first that did not come, and ToolError.
 */
export async function fetchDebs(downloads: readonly Download[], keyring: string, signal?: AbortSignal): Promise<void> {
  await withAptRoot({ origins: [], keyring, signal }, async (apt) => {
    for (let at = 0; at < downloads.length; at += AT_ONCE) {
      const some = downloads.slice(at, at + AT_ONCE);
      const argv: Argv = [HELPER, "download-file", ...some.flatMap((d) => [d.url, d.path, `Checksum-FileSize:${d.locked.size}`])];
      try {
        await apt.run(argv);
      } catch (cause) {
        if (!(cause instanceof ToolError) || cause.code !== "FAILED") throw cause;
        await blame(some, cause);
      }
    }
  });
}

/** Which file did not come, and why, from what apt said; it writes some characters of an address as %xx. */
async function blame(downloads: readonly Download[], cause: ToolError): Promise<never> {
  const said = new Map([...cause.message.matchAll(/^E: Failed to fetch (\S+) +(.*)$/gm)].map(([, url = "", why = ""]) => [decodeURIComponent(url), why]));
  for (const { locked, url, path } of downloads) {
    if (await access(path).then(() => true, () => false)) continue;
    const why = said.get(url) ?? "";
    const what = `${describeLocked(locked)} is not in the cache`;
    if (/^(404|410)\b/.test(why)) throw new LockError("DEB_GONE", `${what}, and the mirror no longer has it (${url}: ${why})`, UPDATE, { cause });
    if (/unexpected size/.test(why)) throw new LockError("DEB_DIFFERS", `${describeLocked(locked)} has ${locked.size} bytes and SHA-256 ${locked.sha256} in the lock, but ${url} sends another size (${why})`, ELSEWHERE, { cause });
    throw new LockError("DEB_UNREACHABLE", `${what} and could not be fetched from ${url}${why === "" ? "" : `: ${why}`}`, "connect this host to the mirror, set http_proxy, or bring a full cache (--cache)", { cause });
  }
  throw cause;
}
