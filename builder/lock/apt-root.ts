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
  /** Runs a program of apt on these folders; without a view it sees the distribution alone. Throws ToolError. */
  readonly run: (argv: Argv, view?: AptView) => Promise<RunResult>;
}

/** Which third parties one command of apt sees beside the distribution, and how it chooses. */
export interface AptView {
  /** Names of origins. */
  readonly thirdParty: readonly string[];
  /** A file of apt_preferences(5). */
  readonly preferences: string;
}

/** An origin beside the distribution, and what verifies it. */
export interface ThirdPartyOrigin {
  readonly origin: Origin;
  /** OpenPGP certificates, binary. */
  readonly keyring: Uint8Array;
}

/** What {@link withAptRoot} sets up. */
export interface AptRootOptions {
  /** May be empty, where only files are fetched by their address. */
  readonly origins: readonly Origin[];
  /** Absolute path of the keyring that signs every one of them. */
  readonly keyring: string;
  readonly thirdParty?: readonly ThirdPartyOrigin[];
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
    await writeFile(join(dir, "etc/apt/sources.list"), options.origins.map((o) => sourceLine(o, options.keyring)).join(""));
    for (const { origin, keyring } of options.thirdParty ?? []) await writeFile(keyringOf(dir, origin.name), keyring);
    await writeFile(join(dir, "apt.conf"), configuration(dir, await hostTransport(signal)));
    // apt reads this file before any other, so the host's own configuration and its hooks are never looked at.
    const env = { APT_CONFIG: join(dir, "apt.conf"), ...proxyEnv() };
    let views = 0;
    const run: AptRoot["run"] = async ([program, ...args], view) => {
      if (view === undefined) return await runHost([program, ...args], { env, ...signal });
      const file = join(dir, `view-${(views += 1)}`);
      const seen = (options.thirdParty ?? []).filter(({ origin }) => view.thirdParty.includes(origin.name));
      const lines = [...options.origins.map((o) => sourceLine(o, options.keyring)), ...seen.map(({ origin }) => sourceLine(origin, keyringOf(dir, origin.name)))];
      await writeFile(`${file}.list`, lines.join(""));
      await writeFile(`${file}.pref`, view.preferences);
      return await runHost([program, "-o", `Dir::Etc::sourcelist=${file}.list`, "-o", `Dir::Etc::preferences=${file}.pref`, ...args], { env, ...signal });
    };
    return await work({ dir, run });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function keyringOf(dir: string, origin: string): string {
  return join(dir, "etc/apt", `${origin}.gpg`);
}

function sourceLine({ mirror, suite, component }: Origin, keyring: string): string {
  return `deb [signed-by=${keyring}] ${mirror} ${suite}${component === "" ? "" : ` ${component}`}\n`;
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
