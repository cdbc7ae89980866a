import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runProgram } from "../../demo/programs.ts";
import { type NodeObject, nodeObject } from "../../hub/cli/output/objects.ts";
import type { RunningHub } from "../../hub/serve.ts";
import type { AdminServiceClient } from "../../proto/gen/kubedos/v1/admin.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { operatorClient, unary } from "../fakes/admin-client.ts";
import { CLUSTER, firmwareLog, ROLE, userspaceLogOf, WORDS } from "../fakes/evidence-case.ts";
import type { TestCa } from "../fakes/ek-pki.ts";
import { HubWorld } from "../fakes/hub-world.ts";
import { LiveNode } from "../fakes/live-node.ts";
import { writeIdentity } from "../fakes/pki.ts";
import { TestMachine } from "../fakes/test-agent.ts";
import { startSwtpm } from "../swtpm/start-swtpm.ts";
import type { AttackProof } from "./attack.ts";
import { makeEkMaker, trustIn } from "./ek-maker.ts";
import { comparable } from "./comparable.ts";
import type { PuppetStage } from "./puppet-stage.ts";
import type { AttackWorld } from "./world.ts";

const HONEST = "honest";

/** The puppets' world without guests: a hub in this process, a recorded boot as release, and software TPMs as slots. */
export class LocalStage {
  readonly world: HubWorld;
  readonly hub: RunningHub;
  readonly #maker: TestCa;
  readonly #dir: string;
  readonly #honest: LiveNode;
  readonly #evidence: string;
  readonly #admin: AdminServiceClient;

  private constructor(world: HubWorld, hub: RunningHub, maker: TestCa, dir: string, honest: LiveNode, evidence: string) {
    this.world = world;
    this.hub = hub;
    this.#maker = maker;
    this.#dir = dir;
    this.#honest = honest;
    this.#evidence = evidence;
    this.#admin = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
  }

  /** Stamps the slots, starts the hub, and lets the honest worker in. */
  static async open(slots: readonly string[]): Promise<LocalStage> {
    const dir = mkdtempSync(join(tmpdir(), "kubedos-puppets-"));
    const world = await HubWorld.make();
    writeIdentity(join(dir, "alice"), world.operator, world.pki.root.certificate);
    const machine = await TestMachine.boot();
    const workers = [HONEST, ...slots].map((name, i) => ({ name, role: ROLE, index: i + 2, ekName: name === HONEST ? machine.ekName : null }));
    world.slots = [{ name: "master", role: "master", index: 1, ekName: null }, ...workers];
    for (const slot of slots) world.pin(slot, await stamp(join(dir, slot)));
    const maker = makeEkMaker();
    world.ekTrust = trustIn(maker);
    world.approvals = [world.approval(machine.ekName, HONEST)];
    const hub = await world.start();
    const honest = await new LiveNode(machine, hub.nodePort, world.image.rootCa).admitted();
    const run = (argv: readonly string[]) => runProgram("kubedos-hub", [...argv, "--hub", `127.0.0.1:${hub.operatorPort}`, "--identity", join(dir, "alice")], new AbortController().signal);
    await run(["window", "open", "--for", "1h", "--max", "100"]);
    const { stdout } = await run(["node", "evidence", HONEST]);
    return new LocalStage(world, hub, maker, dir, honest, stdout);
  }

  /** The stage for one row. */
  stage(): PuppetStage {
    return {
      cluster: CLUSTER,
      role: ROLE,
      rootCa: this.world.image.rootCa,
      logs: { firmwareLog, userspaceLog: userspaceLogOf(WORDS) },
      maker: this.#maker,
      hubPort: this.hub.nodePort,
      operatorPort: this.hub.operatorPort,
      staleMs: 0,
      hint: (slot) => JSON.stringify({ v: 1, slot, hub: { host: "10.100.10.224", port: 7443 } }),
      startTpm: (slot) => (slot === null ? startSwtpm() : startSwtpm({ stateDir: join(this.#dir, slot) })),
      close: () => Promise.resolve(),
    };
  }

  /** As much of a world as puppets ask for. */
  attackWorld(name: string): AttackWorld {
    const hub: AttackWorld["hub"] = (argv) => runProgram("kubedos-hub", [...argv, "--hub", `127.0.0.1:${this.hub.operatorPort}`, "--identity", join(this.#dir, "alice")], new AbortController().signal);
    const nodes = async (): Promise<readonly NodeObject[]> => (await unary(this.#admin, "listNodes", { states: [] })).nodes.map(nodeObject);
    const node = async (ekName: string): Promise<NodeObject | null> => (await nodes()).find((n) => n.ekName === ekName) ?? null;
    const until: AttackWorld["until"] = async (what, seconds, test) => {
      for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
        const found = await test();
        if (found !== null) return found;
        await sleep(20);
      }
      throw new Error(`waited ${seconds} s for ${what}`);
    };
    const untilState: AttackWorld["untilState"] = (ekName, states, seconds = 20) =>
      until(states.join(" or "), seconds, async () => {
        const found = await node(ekName);
        return found !== null && states.includes(found.state) ? found : null;
      });
    const played = {
      ...{ name, hub, nodes, node, until, untilState },
      signal: new AbortController().signal,
      dir: join(this.#dir, "rows", name),
      say: () => undefined,
      honest: { slot: HONEST, ekName: this.#honest.machine.ekName, evidence: this.#evidence },
      pinnedEk: (slot: string) => this.world.slots.find((s) => s.name === slot)?.ekName ?? "",
      approve: async (ekName: string) => {
        await hub(["approve", (await node(ekName))?.id ?? "", "--ek-name", ekName, "--no-wait"]);
        return await untilState(ekName, ["connected"]);
      },
      explain: async (ekName: string) => ({ findings: [], node: await node(ekName), text: comparable((await hub(["explain", (await node(ekName))?.id ?? ""])).stdout) }),
      outside: async (slot: string, ekName: string | null): Promise<readonly AttackProof[]> => {
        const found = (await nodes()).filter((n) => n.name === slot || n.ekName === ekName);
        return [{ what: "outside", held: found.every((n) => n.state !== "connected" && Object.keys(n.planes).length === 0), detail: found.map((n) => n.state).join() }];
      },
    };
    mkdirSync(played.dir, { recursive: true });
    return played as unknown as AttackWorld;
  }

  async close(): Promise<void> {
    this.#admin.close();
    await this.#honest.close();
    await this.#honest.machine.stop();
    await this.hub.close();
    this.world.remove();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

async function stamp(dir: string): Promise<string> {
  mkdirSync(dir);
  const swtpm = await startSwtpm({ stateDir: dir });
  const client = new TpmClient(swtpm.transport);
  const { publicArea } = await client.createEk("ecc");
  await client.dispose();
  await swtpm.stop();
  return toHex(nameOf(publicArea));
}
