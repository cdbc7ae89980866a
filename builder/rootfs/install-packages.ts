import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { distro } from "../distro/current.ts";
import { TREE_TIME } from "../lock/locked-tree.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import { type Argv, runHost } from "../toolchain/run-host.ts";

/** Packages to be installed in a tree that has a dpkg status. */
export interface InstallRequest {
  readonly tc: Toolchain;
  readonly tree: string;
  /** Folder of an APT repository and, in it, keyring.gpg. */
  readonly repository: string;
  readonly names: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Where apt finds its files inside; none of them is in the tree. */
const [INSIDE, REPOSITORY] = ["/tmp/apt", "/tmp/repository"];
const CONFIG = `${INSIDE}/apt.conf`;
/** Debian Policy 9.3.3.2: no maintainer script starts a service. */
const POLICY = "usr/sbin/policy-rc.d";
const FORBIDDEN = 101;

/**
 * Runs the tree's own apt in the tree, with nothing of the host but the repository: no network, a /dev of six files, its own process ids.
 * Its methods, which no image has, come from the toolchain, whose apt is of the same lock. Throws ToolError.
 */
export async function installPackages({ tc, tree, repository, names, signal }: InstallRequest): Promise<void> {
  const work = join(dirname(repository), "apt");
  for (const folder of ["apt.conf.d", "preferences.d", "lists/partial", "archives/partial", "log"]) await mkdir(join(work, folder), { recursive: true });
  await writeFile(join(work, "apt.conf"), configuration());
  await writeFile(join(work, "sources.list"), `deb [signed-by=${REPOSITORY}/keyring.gpg] copy:${REPOSITORY} ./\n`);
  await writeFile(join(work, "policy-rc.d"), `#!/bin/sh\nexit ${FORBIDDEN}\n`, { mode: 0o755 });
  await mkdir(join(tree, "usr/lib/apt"), { recursive: true });
  const inside: Argv = [
    "bwrap",
    "--die-with-parent",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-uts",
    // A maintainer script that takes the machine's name takes none of this host.
    "--hostname", "kubedos",
    "--bind", tree, "/",
    "--ro-bind", `${tc.tree}/usr/lib/apt`, "/usr/lib/apt",
    "--ro-bind", join(work, "policy-rc.d"), `/${POLICY}`,
    "--dev", "/dev",
    "--proc", "/proc",
    "--tmpfs", "/run",
    "--tmpfs", "/tmp",
    "--ro-bind", repository, REPOSITORY,
    "--bind", work, INSIDE,
    "--chdir", "/",
    "--clearenv",
    "--setenv", "APT_CONFIG", CONFIG,
    "--setenv", "DEBIAN_FRONTEND", "noninteractive",
    "--setenv", "DEBCONF_NONINTERACTIVE_SEEN", "true",
    "--setenv", "HOME", "/tmp",
    "--setenv", "LC_ALL", "C",
    "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin",
    "--setenv", "SOURCE_DATE_EPOCH", TREE_TIME,
    "--",
  ];
  const options = signal === undefined ? {} : { signal };
  try {
    await runHost([...inside, "apt-get", "update", "--quiet", "--quiet"], options);
    await runHost([...inside, "apt-get", "install", "--yes", "--quiet", "--quiet", "--", ...names], options);
  } finally {
    await rm(join(tree, POLICY), { force: true });
  }
}

function configuration(): string {
  return [
    `Dir::Etc "${INSIDE}";`,
    `Dir::Etc::sourcelist "${INSIDE}/sources.list";`,
    `Dir::Etc::sourceparts "-";`,
    `Dir::State "${INSIDE}";`,
    `Dir::State::status "/var/lib/dpkg/status";`,
    `Dir::State::extended_states "${INSIDE}/extended_states";`,
    `Dir::Cache "${INSIDE}";`,
    `Dir::Log "${INSIDE}/log";`,
    'APT::Install-Recommends "false";',
    'APT::Sandbox::User "root";',
    'APT::Update::Error-Mode "any";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::Languages "none";',
    // The tree is made anew after a power cut; syncing each file would take most of the time.
    'DPkg::Options { "--force-unsafe-io";',
    ...distro.unpackExcluded.map((path) => `"--path-exclude=${path}";`),
    "};",
    "",
  ].join("\n");
}
