import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PATHS } from "../../agent/paths.ts";
import { boundArgv } from "./bound-argv.ts";
import type { Status } from "../../agent/status/status.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { measureInitrd } from "../swtpm/measure-initrd.ts";
import { startSwtpm, type Swtpm } from "../swtpm/start-swtpm.ts";
import { type QuoteWatch, watchQuotes } from "../swtpm/watch-quotes.ts";
import { smbiosTable } from "./agent-case.ts";
import { BOOT_ID, firmwareLog } from "./evidence-case.ts";
import type { FakeKernel } from "./fake-kernel.ts";
import { readKernelLog, replayKernel } from "./kernel-program.ts";

const KERNEL_PROGRAM = fileURLToPath(new URL("kernel-program.ts", import.meta.url));

/** How an agent is started: the program and what stands before its arguments, and the environment that its unit gives it. */
export interface AgentProgram {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** A machine for the agent as a program: a real TPM as firmware and initrd leave it, and a folder with the machine's files and programs. */
export class AgentMachine {
  readonly root: string;
  readonly ekName: string;
  readonly #swtpm: Swtpm;
  readonly #watch: QuoteWatch;
  #agent: ChildProcess | null = null;

  private constructor(root: string, ekName: string, swtpm: Swtpm, watch: QuoteWatch) {
    this.root = root;
    this.ekName = ekName;
    this.#swtpm = swtpm;
    this.#watch = watch;
  }

  static async boot(config: ImageConfig): Promise<AgentMachine> {
    const swtpm = await startSwtpm();
    const client = new TpmClient(swtpm.transport);
    await measureInitrd(client, firmwareLog);
    const ek = await client.createEk("ecc");
    await client.flush(ek.handle);
    const root = mkdtempSync(join(tmpdir(), "kubedos-machine-"));
    const machine = new AgentMachine(root, toHex(nameOf(ek.publicArea)), swtpm, await watchQuotes(join(root, "tpm"), swtpm.socketPath));
    machine.put(PATHS.imageConfig, JSON.stringify(config));
    machine.put(PATHS.bootId, `${BOOT_ID}\n`);
    machine.put(PATHS.firmwareLog, firmwareLog);
    machine.put(`${PATHS.links}/eth0`, "");
    const kernel = `NODE_COMPILE_CACHE=${join(root, "compiled")} exec ${process.execPath} ${KERNEL_PROGRAM} ${join(root, "kernel.log")}`;
    for (const name of ["nft", "ip", "wg", "systemctl"]) machine.put(`/usr/bin/${name}`, `#!/bin/sh\n${kernel} ${name} "$@"\n`, 0o755);
    return machine;
  }

  put(path: string, data: Uint8Array | string, mode = 0o644): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, data);
    chmodSync(file, mode);
  }

  /** Gives the machine a hint and starts its agent; the start on the clock of `performance.now()`. */
  start({ command, env }: AgentProgram, slot: string, hubPort: number): number {
    const hint = { v: 1, slot, hub: { host: "127.0.0.1", port: hubPort }, lan: [{ interface: "eth0", address: "192.168.100.5/24" }] };
    this.put(PATHS.smbios, smbiosTable([`kubedos.hint=${JSON.stringify(hint)}`]));
    const stdio = ["ignore", process.env["KUBEDOS_TEST_LOG"] === undefined ? "ignore" : "inherit", "inherit"] as const;
    const [file, ...args] = boundArgv([...command, "run", "--root", this.root, "--tpm", `unix:${join(this.root, "tpm")}`]);
    // What it says is then of this life.
    rmSync(join(this.root, PATHS.status), { force: true });
    const at = performance.now();
    this.#agent = spawn(file, args, { cwd: this.root, env, stdio: [...stdio] });
    return at;
  }

  /** When the TPM gave each quote, on the same clock. */
  get quotes(): readonly number[] {
    return this.#watch.quotes;
  }

  /** What `kubedos-agent status -o json` says; null before there is any. */
  status({ command: [file, ...before], env }: AgentProgram): Status | null {
    const { stdout, status } = spawnSync(file, [...before, "status", "-o", "json", "--root", this.root], { encoding: "utf8", cwd: this.root, env });
    return status === 0 ? (JSON.parse(stdout) as Status) : null;
  }

  /** The same without a process: the running agent's status file. */
  get said(): Status | null {
    const file = join(this.root, PATHS.status);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Status) : null;
  }

  /** The kernel as the agent's commands have left it. */
  async kernel(): Promise<FakeKernel> {
    return await replayKernel(readKernelLog(join(this.root, "kernel.log")));
  }

  /** Ends the agent as systemd does; gives its exit code. */
  async stopAgent(): Promise<number | null> {
    const agent = this.#agent;
    this.#agent = null;
    if (agent === null) return null;
    if (agent.exitCode === null && agent.signalCode === null) {
      const exit = once(agent, "exit");
      agent.kill("SIGTERM");
      const killer = setTimeout(() => agent.kill("SIGKILL"), 5000);
      await exit;
      clearTimeout(killer);
    }
    return agent.exitCode;
  }

  async powerOff(): Promise<void> {
    await this.stopAgent();
    this.#watch.close();
    await this.#swtpm.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}
