import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boundArgv } from "./bound-argv.ts";
import type { AdminServiceClient } from "../../proto/gen/kubedos/v1/admin.ts";
import { withOperator } from "./admin-client.ts";
import type { HubOptions } from "../../hub/hub-options.ts";
import type { HubWorld } from "./hub-world.ts";
import { type TestMachine, TestStream } from "./test-agent.ts";

/** The program that {@link HubChild} runs, under Node as it is. */
export const HUB_PROCESS: string = fileURLToPath(new URL("hub-process.ts", import.meta.url));

/** A hub in a process of its own, to be killed. */
export class HubChild {
  readonly world: HubWorld;
  readonly command: readonly [string, ...string[]];
  nodePort = 0;
  operatorPort = 0;
  #child: ChildProcess | null = null;

  constructor(world: HubWorld, command: readonly [string, ...string[]]) {
    this.world = world;
    this.command = command;
    writeFileSync(join(world.dir, "image.json"), JSON.stringify(world.image));
  }

  async start(): Promise<void> {
    // The test runner puts a loader of its own into every Node that a test starts; in the hub it would handle signals that Node ignores (SIGXFSZ).
    const [file, ...args] = boundArgv(["env", "-u", "NODE_OPTIONS", ...this.command, this.world.dir]);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", process.env["KUBEDOS_TEST_LOG"] === undefined ? "ignore" : "inherit"] });
    this.#child = child;
    const ready = new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
      child.once("exit", (code) => reject(new Error(`the hub ended with ${code}`)));
    });
    while (!existsSync(join(this.world.dir, "issuers.json"))) await new Promise((r) => setTimeout(r, 20));
    if (!existsSync(join(this.world.dir, "delivery.json"))) await this.world.deliver();
    Object.assign(this, JSON.parse(await ready));
  }

  /** Process id of the hub that runs now. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Options for the next start. */
  options(changes: Partial<HubOptions>): void {
    writeFileSync(join(this.world.dir, "options.json"), JSON.stringify(changes));
  }

  /** Power cut. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null) return;
    const exit = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exit;
  }

  open(m: TestMachine): TestStream {
    return new TestStream(this.nodePort, m.key, [m.certificate], this.world.image.rootCa);
  }

  admin<T>(work: (client: AdminServiceClient) => Promise<T>): Promise<T> {
    return withOperator(this, this.world, work);
  }
}
