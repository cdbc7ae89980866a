import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { distro } from "../distro/current.ts";
import { type Argv, runHost } from "../toolchain/run-host.ts";
import type { Report } from "../toolchain/report.ts";
import { withWorkFolder } from "../toolchain/work-folder.ts";
import { checkTree } from "./check-tree.ts";
import { describeSet } from "./describe.ts";
import { ensureDebs } from "./ensure-debs.ts";
import { type Lock, type LockedPackage, packagesOf } from "./lock.ts";
import { writeRepository } from "./write-repository.ts";

/** A Debian tree to be made from a lock. */
export interface TreeRequest {
  readonly lock: Lock;
  /** Which of the lock's sets. */
  readonly set: string;
  readonly cacheDir: string;
  /** Folder to make; it must not exist, its parent must. */
  readonly out: string;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Raise it when the code that shapes a tree changes without a change to the command. */
const RECIPE = 1;
/** 2025-01-01T00:00:00Z: what maintainer scripts take for today; an image's files get the release's own time later. */
export const TREE_TIME = "1735689600";

/** What the tree of a set is a function of, for the caches' keys: the command and every file that goes in. */
export function treeInputs(lock: Lock, set: string): unknown {
  const packages = packagesOf(lock, set);
  return [RECIPE, bootstrapArgv(packages, "", "", ""), TREE_TIME, packages.map((p) => p.sha256)];
}

/**
 * Makes a tree of exactly a set's packages by the host's mmdebstrap, in a network namespace with nothing in it: all it can reach is a
 * signed repository of the locked files. Needs root. Throws LockError or ToolError.
 */
export async function makeLockedTree(request: TreeRequest): Promise<void> {
  const { lock, set, cacheDir, out, report } = request;
  const packages = packagesOf(lock, set);
  const debs = await ensureDebs(cacheDir, lock.origins, packages, report, request.signal);
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  // Beside the files, so that the pool can be links to them.
  await withWorkFolder(join(cacheDir, "debs"), "repository", async (work) => {
    const keyring = await writeRepository(join(work, "repository"), distro.suite, packages.map((locked, i) => ({ locked, path: debs[i] ?? "" })), { signal: request.signal });
    report(`unpacking ${packages.length} packages for ${describeSet(set)}`);
    await withPlainName(work, (plain) =>
      runHost(["unshare", "--net", "--", ...bootstrapArgv(packages, out, join(plain, "repository"), join(plain, "repository", basename(keyring)))], {
        env: { DEBIAN_FRONTEND: "noninteractive", SOURCE_DATE_EPOCH: TREE_TIME },
        ...signal,
      }),
    );
  });
  // It names this build's folders.
  await rm(join(out, "etc/apt/sources.list"), { force: true });
  checkTree(await readFile(join(out, "var/lib/dpkg/status"), "utf8"), set, packages);
}

/** A name for a folder without the blanks that a cache's path may have: a line of sources.list ends at them. */
async function withPlainName(dir: string, work: (plain: string) => Promise<unknown>): Promise<void> {
  const door = await mkdtemp(join(tmpdir(), "kubedos-repository-"));
  try {
    await symlink(dir, join(door, "dir"));
    await work(join(door, "dir"));
  } finally {
    await rm(door, { recursive: true, force: true });
  }
}

function bootstrapArgv(packages: readonly LockedPackage[], out: string, repository: string, keyring: string): Argv {
  return [
    "mmdebstrap",
    "--quiet",
    "--mode=root",
    "--variant=minbase",
    `--include=${packages.map((p) => p.name).join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=APT::Sandbox::User "root"',
    '--aptopt=Acquire::Languages "none"',
    ...distro.unpackExcluded.map((path) => `--dpkgopt=path-exclude=${path}`),
    distro.suite,
    out,
    `deb [signed-by=${keyring}] copy:${repository} ./`,
  ];
}
