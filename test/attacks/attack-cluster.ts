import { globSync } from "node:fs";
import { cp, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { openCluster } from "../../builder/deploy/open-cluster.ts";
import { makeFileSigner } from "../../builder/sign/signer.ts";
import { DeployError } from "../../builder/deploy/error.ts";
import { fileDigest } from "../../builder/release/read-release.ts";
import { Demo } from "../../demo/demo.ts";
import { attestMaster } from "../../demo/line/hub.ts";
import { buildImages, makeKeys } from "../../demo/line/manufacture.ts";
import { runProgram } from "../../demo/programs.ts";
import type { Reporter } from "../../demo/report.ts";
import { auditListObject, type FindingObject, type NodeObject } from "../../hub/cli/output/objects.ts";
import { AttackGuest, type AttackVariant } from "./attack-guest.ts";
import { HONEST } from "./attacks-spec.ts";
import { comparable } from "./comparable.ts";
import { makeEkMaker, trustIn } from "./ek-maker.ts";
import { NodeWatch } from "./node-watch.ts";
import { proveOutside } from "./outside.ts";
import type { AttackWorld, HonestWorker } from "./world.ts";

/** From power-on to a verdict, with three guests on two cores under TCG. */
const BOOT_SECONDS = 240;
const CONNECT_SECONDS = 90;

/** Folders and files of a run. */
export interface AttackClusterRequest {
  readonly report: Reporter;
  readonly signal: AbortSignal;
  /** Keys, operator and releases: the demo's own. */
  readonly home: string;
  /** Guests of this run; short, for sockets are in it. */
  readonly state: string;
  readonly specFile: string;
  /** Slots that are pinned to another role than the spec's, which says what they boot. */
  readonly pinnedRoles: ReadonlyMap<string, string>;
}

/** The one cluster in which all rows of a run happen. */
export class AttackCluster {
  readonly demo: Demo;
  readonly #request: AttackClusterRequest;
  readonly #maker = makeEkMaker();
  #watch: NodeWatch | null = null;
  #honest: HonestWorker | null = null;

  constructor(request: AttackClusterRequest) {
    this.#request = request;
    this.demo = new Demo(request);
  }

  /** The demo's line as far as an attested master; then the window and the honest worker, approved. */
  async begin(): Promise<void> {
    const { demo } = this;
    const { report, signal } = this.#request;
    await report.phase("keys", "Making the cluster's keys and an operator", () => makeKeys(demo));
    await report.phase("build", "Building images for master and worker", () => buildImages(demo));
    await report.phase("stamp", "Stamping: a vTPM a slot, its EK pinned", () => this.#stamp());
    await report.phase("master", "Booting the master and attesting it", () => attestMaster(demo));
    this.#watch = await NodeWatch.connect(demo.cluster.operatorAddress, demo.operatorDir, signal);
    await demo.hubJson(["window", "open", "--for", "4h", "--max", "200"]);
    this.#honest = await report.phase("honest", "Booting the honest worker and approving it", () => this.#admitHonest());
  }

  /** What a row sees. `dir` is made; whoever asked for it ends its guests by `endGuests`. */
  async world(name: string, say: (text: string) => void): Promise<{ readonly world: AttackWorld; endGuests(): Promise<void> }> {
    const dir = join(this.#request.state, "rows", name);
    await mkdir(dir, { recursive: true });
    const guests: AttackGuest[] = [];
    const start = async (slot: string, variant: AttackVariant = {}): Promise<AttackGuest> => {
      const guest = await this.#start(slot, variant);
      guests.push(guest);
      return guest;
    };
    const endGuests = async (): Promise<void> => {
      await Promise.all(guests.map((guest) => guest.stop()));
      await rm(dir, { recursive: true, force: true });
    };
    return { world: this.#world(name, dir, say, start), endGuests };
  }

  /** Keeps what these slots' guests and their QEMUs said, and what was made of them; gives the folder. */
  async saveLogs(out: string, slots: readonly string[]): Promise<string> {
    for (const log of globSync(`{${slots.join(",")},}{,-foreign,-copy}/{serial,qemu}.log`, { cwd: this.demo.state })) await cp(join(this.demo.state, log), join(out, log));
    return out;
  }

  /** Ends everything; safe at any point. */
  async stop(): Promise<void> {
    this.#watch?.close();
    await this.demo.stop();
  }

  #world(name: string, dir: string, say: (text: string) => void, start: AttackWorld["start"]): AttackWorld {
    const { demo } = this;
    const honest = this.#honest;
    if (honest === null) throw new Error("there is no honest worker yet");
    return {
      name,
      demo,
      signal: this.#request.signal,
      honest,
      maker: this.#maker,
      dir,
      say,
      start,
      hub: (argv) => demo.hub(argv),
      nodes: () => this.#nodes(),
      node: (ekName) => this.#node(ekName),
      explain: (ekName) => this.#explain(ekName),
      debug: (guest) => this.#debug(guest),
      pinnedEk: (slot) => this.#pinnedEk(slot),
      until: (what, seconds, test) => demo.until(what, seconds, test),
      untilState: (ekName, states, seconds) => this.#untilState(ekName, states, seconds),
      approve: (ekName) => this.#approve(ekName),
      outside: async (slot, ekName, guest) => {
        const audit = await demo.hubJson<ReturnType<typeof auditListObject>>(["audit", "--limit", "1000"]);
        const ekNames = [this.#pinnedEk(slot), ...(ekName === null ? [] : [ekName])];
        return proveOutside({ slot, ekNames, honestSlot: HONEST, nodes: await this.#nodes(), audit: audit.items, master: await this.#master(), own: (await guest?.status()) ?? null });
      },
      master: () => this.#master(),
    };
  }

  /** As the demo stamps; but pins may name roles that no image of the release has. */
  async #stamp(): Promise<void> {
    const { demo } = this;
    const { report, signal, pinnedRoles, state: stateDir } = this.#request;
    const { spec, keys, releaseDir, tc } = demo.built;
    const { operatorDir } = demo;
    demo.cluster = await openCluster({ spec, ekTrust: trustIn(this.#maker), keys, signer: makeFileSigner(keys), releaseDir, operatorDir, stateDir, tc, report: (line) => report.say(line), signal });
    const nodes = spec.topology.nodes.map((node) => ({ ...node, role: pinnedRoles.get(node.name) ?? node.role }));
    await demo.cluster.stamp({ ...spec, topology: { ...spec.topology, nodes } });
  }

  async #admitHonest(): Promise<HonestWorker> {
    const guest = await this.#start(HONEST, {});
    const ekName = this.#pinnedEk(HONEST);
    await this.#untilState(ekName, ["pending"]);
    const node = await this.#approve(ekName);
    const printed = await this.demo.hub(["node", "evidence", node.id]);
    if (printed.code !== 0) throw new Error(`the honest worker's evidence can't be had: ${printed.stderr.trim()}`);
    await this.demo.until("the master's kernel to have the honest worker", CONNECT_SECONDS, async () => {
      const { planes } = await this.#master();
      return planes.length > 0 && planes.every((plane) => plane.peers.some((peer) => peer.name === HONEST)) ? true : null;
    });
    this.#request.report.prove("the honest worker, booted from the release, was approved and is inside", node.state === "connected", `id ${node.id}`);
    return { slot: HONEST, ekName, node, evidence: printed.stdout, guest };
  }

  async #start(slot: string, variant: AttackVariant): Promise<AttackGuest> {
    const { demo } = this;
    const { identity = "pinned", address, ...rest } = variant;
    const name = identity === "pinned" ? slot : `${slot}-${identity}`;
    if (identity === "copy") await cp(join(demo.state, slot, "tpm"), join(demo.state, name, "tpm"), { recursive: true });
    const image = variant.disk === undefined ? this.#releaseDisk(slot) : await fileDigest(variant.disk.file);
    const from = await stat(join(demo.state, name, "serial.log")).then((s) => s.size, () => 0);
    const guest = await demo.cluster.start(slot, name, { ...rest, address: address ?? this.#address(slot) });
    return new AttackGuest(demo, { name, slot, image, from, guest });
  }

  #releaseDisk(slot: string): string {
    const { spec, release } = this.demo.built;
    const role = spec.topology.nodes.find((node) => node.name === slot)?.role;
    const image = release.images.find((i) => i.role === role);
    if (image === undefined) throw new DeployError("NOT_DEPLOYED", `the spec has no slot ${slot}`);
    return image.disk.sha256;
  }

  #address(slot: string): string {
    const address = this.demo.built.spec.network.addresses?.[slot];
    if (address === undefined) throw new DeployError("NOT_DEPLOYED", `the spec has no slot ${slot}`);
    return address;
  }

  #pinnedEk(slot: string): string {
    const ekName = this.demo.cluster.ekNames.get(slot);
    if (ekName === undefined) throw new Error(`slot ${slot} was not stamped; does its row name it in slots?`);
    return ekName;
  }

  async #nodes(): Promise<readonly NodeObject[]> {
    if (this.#watch === null) throw new Error("there is no hub yet");
    return await this.#watch.nodes();
  }

  async #node(ekName: string): Promise<NodeObject | null> {
    return (await this.#nodes()).find((n) => n.ekName === ekName) ?? null;
  }

  async #untilState(ekName: string, states: readonly string[], seconds: number = BOOT_SECONDS): Promise<NodeObject> {
    let last = "unknown to the hub";
    return await this.demo
      .until(`EK …${ekName.slice(-8)} to be ${states.join(" or ")}`, seconds, async () => {
        const node = await this.#node(ekName);
        last = node === null ? last : `${node.state} ${node.code}`;
        return node !== null && states.includes(node.state) ? node : null;
      })
      .catch((cause: unknown) => {
        throw new Error(`it was ${last} at the end`, { cause });
      });
  }

  async #approve(ekName: string): Promise<NodeObject> {
    const node = await this.#untilState(ekName, ["pending"], 10);
    const ended = await this.demo.hub(["approve", node.id, "--ek-name", ekName, "--reason", "attacks", "--no-wait"]);
    if (ended.code !== 0) throw new Error(`the approval was refused: ${ended.stderr.trim()}`);
    return await this.#untilState(ekName, ["connected"], CONNECT_SECONDS);
  }

  async #explain(ekName: string): Promise<{ readonly node: NodeObject; readonly findings: readonly FindingObject[]; readonly text: string }> {
    const node = await this.#node(ekName);
    if (node === null || node.id === "") throw new Error(`the hub knows no machine with EK …${ekName.slice(-8)}`);
    const { findings } = await this.demo.hubJson<{ readonly findings: readonly FindingObject[] }>(["explain", node.id]);
    const words = await this.demo.hub(["explain", node.id]);
    if (words.code !== 0) throw new Error(`explain ended with ${words.code}: ${words.stderr.trim()}`);
    return { node, findings, text: comparable(words.stdout) };
  }

  async #debug(guest: AttackGuest): Promise<{ readonly code: string; readonly text: string }> {
    const { signal } = this.#request;
    const json = await runProgram("kubedos-build", ["debug", "--console", guest.console, "-o", "json"], signal);
    const words = await runProgram("kubedos-build", ["debug", "--console", guest.console], signal);
    if (json.code !== 0 || words.code !== 0) throw new Error(`kubedos-build debug ended with ${json.code}: ${json.stderr.trim()}`);
    return { code: (JSON.parse(json.stdout) as { readonly code: string }).code, text: comparable(words.stdout) };
  }

  async #master() {
    const status = await this.demo.status("master");
    if (status === null) throw new Error("the master shows no status");
    return status;
  }
}
