import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultCacheDir } from "../builder/toolchain/ensure-toolchain.ts";
import { parseClusterSpec } from "../proto/spec/parse.ts";

const projectDir = fileURLToPath(new URL("..", import.meta.url));

/** What one run of `kubedos-build` said. */
export interface BuilderRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a run differs from that of root in the checkout. */
export interface Circumstances {
  /** Commands before the program, such as `unshare`. */
  readonly under?: readonly string[];
  /** The checkout as this run sees it. */
  readonly checkout?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly started?: (child: ChildProcess) => void;
}

/** The real program on a folder of its own: keys, a lock and a passphrase, made once, and whatever is built from them. */
export class Foundry {
  readonly dir: string = mkdtempSync(join(tmpdir(), "kubedos-foundry-"));
  readonly spec: string;
  /** Keys, passphrase and lock. */
  readonly inputs: string = join(this.dir, "inputs");
  readonly #say: (line: string) => void;

  /** `spec`: a ClusterSpec, the demo's without one. */
  constructor(say: (line: string) => void, spec: string = join(projectDir, "examples/demo.yaml")) {
    this.#say = say;
    this.spec = spec;
    mkdirSync(this.inputs, { mode: 0o700 });
    writeFileSync(join(this.inputs, "passphrase"), `${randomBytes(18).toString("base64url")}\n`, { mode: 0o600 });
  }

  /** Makes keys and lock. Throws where the program fails. */
  async prepare(): Promise<void> {
    const [keys, lock] = [join(this.inputs, "keys"), join(this.inputs, "lock.json")];
    const cluster = parseClusterSpec(readFileSync(this.spec, "utf8"), this.spec).metadata.name;
    await this.succeed(["keys", "init", "--dir", keys, "--cluster", cluster, "--passphrase-file", join(this.inputs, "passphrase")]);
    await this.succeed(["lock", this.spec, "-o", lock]);
  }

  /** Arguments of a build of the demo's spec from the checkout's own cache; `inputs` is a copy of this foundry's. */
  buildArgv(out: string, { spec = this.spec, cache = defaultCacheDir, inputs = this.inputs }: { readonly spec?: string; readonly cache?: string; readonly inputs?: string } = {}): readonly string[] {
    const [keys, lock, passphrase] = ["keys", "lock.json", "passphrase"].map((name) => join(inputs, name)) as [string, string, string];
    return ["build", spec, "--lock", lock, "--keys", keys, "--passphrase-file", passphrase, "--out", out, "--cache", cache, "--json"];
  }

  /** Runs the program to its end; what it says on stderr is passed on as it comes. */
  async run(argv: readonly string[], how: Circumstances = {}): Promise<BuilderRun> {
    const [file = "", ...args] = [...(how.under ?? []), join(how.checkout ?? projectDir, "bin/kubedos-build"), ...argv];
    const child = spawn(file, args, { cwd: "/", stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] ?? "", ...proxies(), ...how.env } });
    how.started?.(child);
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    createInterface({ input: child.stderr }).on("line", (line) => {
      stderr += `${line}\n`;
      this.#say(line);
    });
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, stdout, stderr };
  }

  /** {@link run}, and an error where it doesn't end with 0. */
  async succeed(argv: readonly string[], how: Circumstances = {}): Promise<BuilderRun> {
    const ended = await this.run(argv, how);
    if (ended.code !== 0) throw new Error(`kubedos-build ${argv[0] ?? ""} ended with ${ended.code}`);
    return ended;
  }

  /** Deletes everything, files of subordinate users too. */
  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The one object that `build --json` ends with. */
export function builtRelease(ended: BuilderRun): { readonly ok: boolean; readonly dir: string; readonly id: string; readonly kept: boolean; readonly code?: string; readonly message?: string } {
  return JSON.parse(ended.stdout.trim().split("\n").at(-1) ?? "{}");
}

/** How this machine reaches its mirrors. */
function proxies(): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}
