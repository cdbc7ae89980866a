import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { attachForever } from "../../agent/attach/attach-forever.ts";
import { FIRST_BOOT } from "../../agent/boot/first-boot.ts";
import { runSteps } from "../../agent/boot/step.ts";
import { grpcConnector } from "../../agent/host/grpc-connector.ts";
import { systemClock } from "../../agent/host/clock.ts";
import { PATHS } from "../../agent/paths.ts";
import { StatusBoard } from "../../agent/status/status-board.ts";
import type { PlaneName } from "../../proto/evidence/claims.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { measureInitrd } from "../swtpm/measure-initrd.ts";
import { startSwtpm, type Swtpm } from "../swtpm/start-swtpm.ts";
import { smbiosTable } from "./agent-case.ts";
import { AgentWorld } from "./agent-world.ts";
import { BOOT_ID, firmwareLog } from "./evidence-case.ts";

/** A whole agent: its own boot steps, a real TPM, real gRPC and the machine's own clock. Only its kernel is played. */
export class LeaseAgent {
  readonly world: AgentWorld;
  readonly ekName: string;
  readonly #swtpm: Swtpm;
  readonly #client: TpmClient;
  /** Added to the date that the agent sees. */
  wallSkew = 0;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #status: StatusBoard | null = null;

  private constructor(world: AgentWorld, swtpm: Swtpm, client: TpmClient, ekName: string) {
    this.world = world;
    this.#swtpm = swtpm;
    this.#client = client;
    this.ekName = ekName;
  }

  /** A machine as its initrd leaves it. `hubHost`: where its hint says the hub is. */
  static async boot(config: ImageConfig, hubHost: string): Promise<LeaseAgent> {
    const swtpm = await startSwtpm();
    const client = new TpmClient(swtpm.transport);
    await measureInitrd(client, firmwareLog);
    const ek = await client.createEk("ecc");
    await client.flush(ek.handle);
    const world = new AgentWorld(config, BOOT_ID);
    const hint = { v: 1, hub: { host: hubHost, port: 7443 }, lan: [{ interface: "eth0", address: "192.0.2.9/24" }] };
    world.put(PATHS.smbios, smbiosTable([`kubedos.hint=${JSON.stringify(hint)}`]));
    if (config.hub) world.put(PATHS.issuers, utf8('{"hub":"AAAA","node":"BBBB"}'));
    return new LeaseAgent(world, swtpm, client, toHex(nameOf(ek.publicArea)));
  }

  /** Starts the agent; its pauses are five times as short. */
  start(port: number): void {
    this.#stop = new AbortController();
    this.#running = this.#run(port, this.#stop);
  }

  async #run(port: number, stop: AbortController): Promise<void> {
    await this.#client.flushStale();
    const played = this.world.ports(stop, { hub: grpcConnector, speed: 5 });
    const clock = { ...played.clock, now: () => new Date(Date.now() + this.wallSkew), bootTime: () => systemClock.bootTime() };
    // Two machines have no key in common.
    const entropy = { bytes: (n: number) => new Uint8Array(randomBytes(n)) };
    const ports = { ...played, clock, entropy, openTpm: async () => this.#client };
    const status = new StatusBoard(ports);
    this.#status = status;
    const facts = await runSteps(FIRST_BOOT, { ports, status, signal: stop.signal });
    if (facts !== null) await attachForever({ ports, status, ...facts }, { host: "127.0.0.1", port }, stop.signal);
    await status.flush();
  }

  get state(): string {
    return this.#status?.status.node.state ?? "booting";
  }

  /** How many peers the kernel has, on each plane; -1 where there is no plane. */
  get peers(): Readonly<Record<PlaneName, number>> {
    const count = (plane: PlaneName): number => this.world.kernel.links.get(plane)?.peers.size ?? -1;
    return { wg1: count("wg1"), wg2: count("wg2"), wg3: count("wg3") };
  }

  /** Whether it has exactly `n` peers on all planes. */
  has(n: number): boolean {
    return Object.values(this.peers).every((count) => count === n);
  }

  /** Changes made to the kernel since the last call. */
  changes(): readonly string[] {
    const all = this.world.kernel.commands.filter((c) => !c.includes("show"));
    this.world.kernel.commands.length = 0;
    return all;
  }

  /** Ends the agent as SIGTERM does; kernel and files stay. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async powerOff(): Promise<void> {
    await this.stop();
    await sleep(20);
    await this.#swtpm.stop();
  }
}
