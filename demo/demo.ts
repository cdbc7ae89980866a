import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Status } from "../agent/status/status.ts";
import type { ProbeAnswer } from "../agent/mailbox/probe.ts";
import type { QemuCluster } from "../builder/deploy/qemu-cluster.ts";
import type { OpenKeys } from "../builder/keys/open-keys.ts";
import type { Toolchain } from "../builder/toolchain/ensure-toolchain.ts";
import type { NodeObject } from "../hub/cli/output/objects.ts";
import type { PinnedEkTrust } from "../proto/release/pins.ts";
import type { Release } from "../proto/release/release.ts";
import type { ClusterSpec } from "../proto/spec/schema.ts";
import { type Ended, runProgram } from "./programs.ts";
import type { Reporter } from "./report.ts";

const MAX_STATUS_BYTES = 4 * 1024 * 1024;
const POLL_MS = 400;

/** What the build left for the phases behind it. */
export interface Built {
  readonly spec: ClusterSpec;
  /** Makers' certificates of the spec's trust.ekRoots; null: it names none. */
  readonly ekTrust: PinnedEkTrust | null;
  readonly keys: OpenKeys;
  readonly release: Release;
  readonly releaseDir: string;
  readonly tc: Toolchain;
}

/** One run of the demo: where its files are, what exists so far, and how its phases look at the world. */
export class Demo {
  readonly report: Reporter;
  readonly signal: AbortSignal;
  /** Keys, operator and releases; kept from run to run. */
  readonly home: string;
  /** Guests of this run; short, for sockets are in it. */
  readonly state: string;
  readonly specFile: string;
  #built: Built | null = null;
  #cluster: QemuCluster | null = null;

  constructor(options: { readonly report: Reporter; readonly signal: AbortSignal; readonly home: string; readonly state: string; readonly specFile: string }) {
    this.report = options.report;
    this.signal = options.signal;
    this.home = options.home;
    this.state = options.state;
    this.specFile = options.specFile;
    mkdirSync(this.home, { recursive: true, mode: 0o700 });
    mkdirSync(this.state, { recursive: true, mode: 0o700 });
  }

  get keysDir(): string {
    return join(this.home, "keys");
  }

  get operatorDir(): string {
    return join(this.home, "operator");
  }

  get passphraseFile(): string {
    return join(this.home, "passphrase");
  }

  /** Whether {@link built} is there. */
  get isBuilt(): boolean {
    return this.#built !== null;
  }

  get built(): Built {
    if (this.#built === null) throw new Error("nothing is built yet");
    return this.#built;
  }

  set built(built: Built) {
    this.#built = built;
  }

  get cluster(): QemuCluster {
    if (this.#cluster === null) throw new Error("no guest was started yet");
    return this.#cluster;
  }

  set cluster(cluster: QemuCluster) {
    this.#cluster = cluster;
  }

  /** Ends all guests; safe at any point. */
  async stop(): Promise<void> {
    await this.#cluster?.stop();
  }

  /** How the operator's CLI reaches the hub. */
  get connection(): readonly string[] {
    return ["--hub", this.cluster.operatorAddress, "--identity", this.operatorDir];
  }

  /** The operator's CLI, over mutual TLS. */
  async hub(argv: readonly string[]): Promise<Ended> {
    return await runProgram("kubedos-hub", [...argv, ...this.connection], this.signal);
  }

  /** Like {@link hub}, for a call that must succeed; gives its JSON. */
  async hubJson<T>(argv: readonly string[]): Promise<T> {
    const ended = await this.hub([...argv, "-o", "json"]);
    if (ended.code !== 0) throw new Error(`kubedos-hub ${argv.join(" ")} ended with ${ended.code}: ${ended.stderr.trim()}`);
    return JSON.parse(ended.stdout) as T;
  }

  /** Every node the hub knows. */
  async nodes(): Promise<readonly NodeObject[]> {
    return (await this.hubJson<{ readonly items: readonly NodeObject[] }>(["nodes"])).items;
  }

  /** Waits until `test` gives something; says what it waited for when it doesn't. */
  async until<T>(what: string, seconds: number, test: () => Promise<T | null>): Promise<T> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const found = await test();
      if (found !== null) return found;
      if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  /** Waits until the hub shows a machine with this EK in one of these states. */
  async untilState(ekName: string, states: readonly string[], seconds: number): Promise<NodeObject> {
    return await this.until(`${ekName.slice(-8)} to be ${states.join(" or ")}`, seconds, async () => {
      const node = (await this.nodes()).find((n) => n.ekName === ekName);
      return node !== undefined && states.includes(node.state) ? node : null;
    });
  }

  /** The guest's own redacted status, read through its guest agent. */
  async status(name: string): Promise<Status | null> {
    const data = await this.cluster.readFile(name, "/run/kubedos/status.json", MAX_STATUS_BYTES);
    return data === null ? null : (JSON.parse(new TextDecoder().decode(data)) as Status);
  }

  /** Asks the guest's agent to try its planes from inside. */
  async probe(name: string, id: number): Promise<ProbeAnswer> {
    const mailbox = this.cluster.mailbox(name);
    await mailbox.post("probe", { id });
    return await this.until(`${name} to probe its planes`, 60, async () => {
      const data = await this.cluster.readFile(name, "/run/kubedos/mailbox/out/probe.json", MAX_STATUS_BYTES);
      if (data === null) return null;
      const answer = JSON.parse(new TextDecoder().decode(data)) as ProbeAnswer;
      return answer.id === id ? answer : null;
    });
  }

  /** Bytes of a file under the release's folder. */
  async releaseFile(name: string): Promise<Uint8Array> {
    return new Uint8Array(await readFile(join(this.built.releaseDir, name)));
  }
}
