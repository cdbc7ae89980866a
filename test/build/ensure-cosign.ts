import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { withAptRoot } from "../../builder/lock/apt-root.ts";
import { cachedTree } from "../../builder/toolchain/cached-tree.ts";
import type { Toolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import type { Report } from "../../builder/toolchain/report.ts";
import { runHost } from "../../builder/toolchain/run-host.ts";
import { runTool } from "../../builder/toolchain/run-tool.ts";

/**
 * Debian's cosign, fetched once and verified by apt. It is no tool of the build, so it stands in no lock: 70 MB, of use to whoever doubts us.
 * Gives what runs it in the toolchain, without a network.
 */
export async function ensureCosign(tc: Toolchain, cacheDir: string, report: Report): Promise<(argv: readonly string[], folder: string) => Promise<string>> {
  const dir = await cachedTree(cacheDir, "test-cosign", async (out) => {
    report("fetching cosign, once");
    await mkdir(out);
    await withAptRoot({ origins: tc.lock.origins.filter((o) => o.name === "debian"), keyring: "/usr/share/keyrings/debian-archive-keyring.gpg" }, async (apt) => {
      await apt.run(["apt-get", "update", "--quiet", "--quiet"]);
      await apt.run(["apt-get", "install", "--download-only", "--yes", "--no-install-recommends", "cosign"]);
      const archives = join(apt.dir, "var/cache/apt/archives");
      const deb = (await readdir(archives)).find((name) => name.startsWith("cosign_"));
      await copyFile(join(archives, deb ?? ""), join(out, "cosign.deb"));
    });
    await runHost(["dpkg-deb", "--extract", join(out, "cosign.deb"), join(out, "tree")]);
    await rm(join(out, "cosign.deb"));
  });
  const program = join(dir, "tree/usr/bin/cosign");
  // It reads larger blobs for an attestation only when it is told so.
  const env = { COSIGN_MAX_ATTACHMENT_SIZE: "4GB" };
  return async (argv, folder) => (await runTool(tc, [program, ...argv], { readBinds: [dir, folder], env })).stderr;
}
