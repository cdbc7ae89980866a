import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { distro } from "../distro/current.ts";
import { checkTree } from "../lock/check-tree.ts";
import { ensureDebs } from "../lock/ensure-debs.ts";
import { packagesOf } from "../lock/lock.ts";
import { writeRepository } from "../lock/write-repository.ts";
import { cachedTree, cacheKey } from "../toolchain/cached-tree.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { runHost } from "../toolchain/run-host.ts";
import { withWorkFolder } from "../toolchain/work-folder.ts";
import { type Account, checkNumbered, writeAccounts } from "./accounts.ts";
import type { BaseTree } from "./ensure-base.ts";
import { installPackages } from "./install-packages.ts";
import { shareFiles } from "./share-files.ts";
import { trimLayer } from "./trim-layer.ts";
import { trimTree } from "./trim-tree.ts";

/** The base tree with a role's packages in it. */
export interface RoleTree {
  /** Absolute path of the whole tree; what is as in the base is the same file. */
  readonly tree: string;
  /** Changes with the inputs. */
  readonly key: string;
}

/** A layer to be found or made. */
export interface LayerRequest {
  readonly cacheDir: string;
  readonly base: BaseTree;
  readonly role: string;
  /** System users that its packages want. */
  readonly accounts: readonly Account[];
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

// Raise it when the code that shapes a layer changes without a change to the lists.
const RECIPE = 1;

/** What a layer is a function of beside the base tree. */
export function layerInputs(tc: Toolchain, role: string, accounts: readonly Account[]): unknown {
  return [RECIPE, packagesOf(tc.lock, `role/${role}`).map((p) => p.sha256), accounts, distro.trimmed, distro.selfStarting, distro.unpackExcluded];
}

/** The cache's name of a layer. */
export function layerName(key: string): string {
  return `layer-${key}`;
}

/**
 * Finds or makes the tree of a role: the base tree where its packages bring nothing more. Made by apt in a network namespace with nothing in it,
 * from a signed repository of the locked files. Throws LockError, BuildError `UNNUMBERED_ACCOUNT`, ToolError.
 */
export async function ensureLayer(tc: Toolchain, request: LayerRequest): Promise<RoleTree> {
  const { base, cacheDir, role, accounts, report, signal } = request;
  const packages = packagesOf(tc.lock, `role/${role}`);
  if (packages.length === 0) return { tree: base.tree, key: base.key };
  const key = cacheKey([base.key, tc.key, layerInputs(tc, role, accounts)]);
  const path = await cachedTree(cacheDir, layerName(key), async (out) => {
    const debs = await ensureDebs(cacheDir, tc.lock.origins, packages, report, signal);
    report(`${role}: installing ${packages.length} packages over the base tree`);
    await mkdir(out, { recursive: true });
    const tree = join(out, "root");
    // Maintainer scripts write where they like: they get files of their own, and share-files.ts gives back what they left alone.
    await runHost(["cp", "--archive", "--reflink=auto", "--no-target-directory", base.tree, tree], signal === undefined ? {} : { signal });
    await writeAccounts(tree, accounts);
    const status = await readFile(join(tree, "var/lib/dpkg/status"), "utf8");
    await withWorkFolder(join(cacheDir, "debs"), "repository", async (work) => {
      const repository = join(work, "repository");
      await writeRepository(repository, distro.suite, packages.map((locked, i) => ({ locked, path: debs[i] ?? "" })), { installed: status, signal });
      await installPackages({ tc, tree, repository, names: packages.map((p) => p.name), signal });
    });
    await checkNumbered(base.tree, tree, accounts, role);
    await trimTree(tree);
    await trimLayer(base.tree, tree);
    await shareFiles(base.tree, tree);
    checkTree(await readFile(join(tree, "var/lib/dpkg/status"), "utf8"), `role/${role}`, [...packagesOf(tc.lock, "base"), ...packages]);
  });
  return { tree: join(path, "root"), key };
}
