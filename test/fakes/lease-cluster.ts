import { HubChild, HUB_PROCESS } from "./hub-child.ts";
import { HubWorld } from "./hub-world.ts";
import { LeaseAgent } from "./lease-agent.ts";
import { until } from "./live-node.ts";

/** Short enough for a test, long enough for a hub to start again in between. */
export const LEASE_MS = 6000;

/** A hub in a process of its own and two agents, the master's and a worker's, admitted to it. */
export class LeaseCluster {
  readonly world: HubWorld;
  readonly hub: HubChild;
  readonly master: LeaseAgent;
  readonly worker: LeaseAgent;

  private constructor(world: HubWorld, hub: HubChild, master: LeaseAgent, worker: LeaseAgent) {
    this.world = world;
    this.hub = hub;
    this.master = master;
    this.worker = worker;
  }

  static async start(): Promise<LeaseCluster> {
    const world = await HubWorld.make({ leaseMs: LEASE_MS, renewMs: 1000 });
    const [master, worker] = await Promise.all([
      LeaseAgent.boot(world.image, "192.0.2.1"),
      LeaseAgent.boot({ ...world.image, role: "worker", hub: false }, "192.0.2.1"),
    ]);
    world.pin("master", master.ekName);
    world.pin("w-1", worker.ekName);
    world.approvals = [world.approval(master.ekName, "master"), world.approval(worker.ekName, "w-1")];
    const cluster = new LeaseCluster(world, new HubChild(world, [process.execPath, HUB_PROCESS]), master, worker);
    try {
      await cluster.startHub();
      master.start(cluster.hub.nodePort);
      worker.start(cluster.hub.nodePort);
      await cluster.isWhole();
      return cluster;
    } catch (error) {
      await cluster.end();
      throw error;
    }
  }

  /** Starts the hub, again on the same port. */
  async startHub(): Promise<void> {
    this.hub.options({ times: { leaseMs: LEASE_MS, renewMs: 1000, answerMs: 2000, heartbeatMs: 200 }, nodePort: this.hub.nodePort });
    await this.hub.start();
  }

  get agents(): readonly LeaseAgent[] {
    return [this.master, this.worker];
  }

  /** Both agents have each other on all planes. */
  async isWhole(ms = 25_000): Promise<void> {
    await until("a whole cluster", () => this.agents.every((a) => a.has(1) && a.state === "admitted"), ms).catch((cause: unknown) => {
      throw new Error(this.agents.map((a) => `${a.world.lines.slice(-3).join("; ")} ${JSON.stringify(a.peers)}`).join("\n"), { cause });
    });
  }

  /** Both agents have dropped everybody by themselves. */
  async isAdrift(ms: number): Promise<void> {
    await until("no peer anywhere", () => this.agents.every((a) => a.has(0)), ms);
  }

  async end(): Promise<void> {
    await Promise.all(this.agents.map((a) => a.powerOff()));
    await this.hub.kill();
    this.world.remove();
  }
}
