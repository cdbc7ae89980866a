import { runHost } from "./run-host.ts";
import type { Argv } from "./run-host.ts";
import { SOURCES, SUITE } from "./packages.ts";

/** A Debian tree to be made. */
export interface BootstrapRequest {
  readonly packages: readonly string[];
  /** Folder to make; it must not exist. */
  readonly out: string;
  /** Shell lines run by mmdebstrap with the tree as `$1`, before packages are configured; fixed text of ours only. */
  readonly essentialHooks?: readonly string[];
  readonly signal?: AbortSignal;
}

// What no build and no node ever reads; leaving it out at unpack time saves a third of the time.
const EXCLUDED = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*"];

/** The command of {@link bootstrapTree}; pure, and part of the caches' keys. */
export function bootstrapArgv(request: Omit<BootstrapRequest, "signal">): Argv {
  return [
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    `--include=${request.packages.join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::Retries "3"',
    ...EXCLUDED.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...(request.essentialHooks ?? []).map((hook) => `--essential-hook=${hook}`),
    SUITE,
    request.out,
    ...SOURCES,
  ];
}

/** Makes a Debian tree by the host's mmdebstrap; needs root and the network. Throws ToolError. */
export async function bootstrapTree(request: BootstrapRequest): Promise<void> {
  await runHost(bootstrapArgv(request), {
    // Debian's archive signs with keys that the host may be too old to know: mmdebstrap takes what is installed.
    env: { DEBIAN_FRONTEND: "noninteractive", ...proxyEnv() },
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
}

function proxyEnv(): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy"];
  return Object.fromEntries(names.flatMap((n) => (process.env[n] === undefined ? [] : [[n, process.env[n]]])));
}
