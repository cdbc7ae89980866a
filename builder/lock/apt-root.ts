import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { proxyEnv } from "../toolchain/proxy-env.ts";
import { type Argv, runHost, type RunResult } from "../toolchain/run-host.ts";
import type { Origin } from "./lock.ts";

/** The host's apt on folders of its own: nothing of the host's sources, packages, pins, keys or hooks. */
export interface AptRoot {
  /** Absolute path. */
  readonly dir: string;
  /** Runs a program of apt on these folders. Throws ToolError. */
  readonly run: (argv: Argv) => Promise<RunResult>;
}

/** What {@link withAptRoot} sets up. */
export interface AptRootOptions {
  /** May be empty, where only files are fetched by their address. */
  readonly origins: readonly Origin[];
  /** Absolute path of the keyring that signs every origin. */
  readonly keyring: string;
  readonly signal?: AbortSignal | undefined;
}

const FOLDERS = ["etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"];

/** Sets up such folders, works with them and removes them. Throws ToolError, or what `work` throws. */
export async function withAptRoot<T>(options: AptRootOptions, work: (apt: AptRoot) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "kubedos-apt-"));
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  try {
    for (const folder of FOLDERS) await mkdir(join(dir, folder), { recursive: true });
    await writeFile(join(dir, "var/lib/dpkg/status"), "");
    await writeFile(join(dir, "etc/apt/sources.list"), options.origins.map((o) => `deb [signed-by=${options.keyring}] ${o.mirror} ${o.suite} ${o.component}\n`).join(""));
    await writeFile(join(dir, "apt.conf"), configuration(dir, await hostTransport(signal)));
    // apt reads this file before any other, so the host's own configuration and its hooks are never looked at.
    const env = { APT_CONFIG: join(dir, "apt.conf"), ...proxyEnv() };
    return await work({ dir, run: (argv) => runHost(argv, { env, ...signal }) });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function configuration(dir: string, transport: string): string {
  return [
    `Dir "${dir}";`,
    `Dir::State::status "${dir}/var/lib/dpkg/status";`,
    'APT::Architecture "amd64";',
    'APT::Architectures "amd64";',
    'APT::Install-Recommends "false";',
    'APT::Sandbox::User "root";',
    // One index that could not be had is an error, not a warning.
    'APT::Update::Error-Mode "any";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::GzipIndexes "false";',
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    transport,
  ].join("\n");
}

/** How the host reaches http and https mirrors: its proxies and certificates, the one thing taken from its configuration. */
async function hostTransport(signal: { readonly signal?: AbortSignal }): Promise<string> {
  const { stdout } = await runHost(["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', "Acquire::http", "Acquire::https"], signal);
  return `${stdout}\n`;
}
