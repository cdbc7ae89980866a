import { createHash, randomBytes } from "node:crypto";
import { realpath, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AttestedFacts } from "../../hub/attest/types.ts";
import type { PinnedEkTrust } from "../../proto/release/pins.ts";
import type { Release } from "../../proto/release/release.ts";
import type { ClusterSpec, SpecNode } from "../../proto/spec/schema.ts";
import { freeTcpPort, macAddress, randomLan } from "../guest/addresses.ts";
import { GuestError } from "../guest/guest-error.ts";
import { type Guest, type GuestRequest, guestPaths, startGuest } from "../guest/start-guest.ts";
import type { Accel, LanShape } from "../guest/qemu-argv.ts";
import type { PublicKeys } from "../keys/read-public-keys.ts";
import type { Signer } from "../sign/signer.ts";
import type { Toolchain } from "../toolchain/ensure-toolchain.ts";
import type { Report } from "../toolchain/report.ts";
import { attestHub } from "./attest-hub.ts";
import { DeployError } from "./error.ts";
import { type HubHint, hintString, masterOf, nodeNamed, OPERATOR_PORT } from "./guest-hint.ts";
import { Mailbox } from "./mailbox.ts";
import { makeDelivery, type OperatorKey } from "./make-delivery.ts";
import { stampGuest } from "./stamp.ts";
import { writePins } from "./state-folder.ts";
import { tlsAnswers } from "./tls-answers.ts";

const HUB_TIMEOUT_MS = 120_000;

/** Everything a cluster of guests on this host is made from. */
export interface QemuClusterRequest {
  readonly spec: ClusterSpec;
  readonly keys: PublicKeys;
  readonly signer: Signer;
  readonly release: Release;
  /** Folder of the release, with its disks. */
  readonly releaseDir: string;
  /** DSSE bytes of release.json. */
  readonly releaseEnvelope: Uint8Array;
  /** OVMF variable store with our keys. */
  readonly vars: string;
  readonly operator: OperatorKey;
  /** Makers' certificates that count beside the pins (read-ek-trust.ts); none without it. */
  readonly ekTrust?: PinnedEkTrust | null;
  /** A folder a node; a short path, for sockets are made in it. */
  readonly stateDir: string;
  readonly tc: Toolchain;
  readonly accel: Accel;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** How a guest may differ from its node of the spec: what a stranger does. */
export interface GuestVariant extends Pick<GuestRequest, "firmware" | "serialInput" | "extraArgv" | "extraBinds"> {
  /** Another disk than the release's. */
  readonly disk?: { readonly file: string; readonly format: "qcow2" | "raw" };
  /** Another variable store than the cluster's; copied. */
  readonly vars?: string;
  /** SMBIOS type 11 strings behind the hint record. */
  readonly oemStrings?: readonly string[];
  /** Its address on the LAN. */
  readonly address: string;
  /** Where its hint says that the hub is; default: the master's node listener. */
  readonly hub?: HubHint;
}

/** A cluster's guests on this host: stamps them, starts them, and ends them all. */
export class QemuCluster {
  readonly #request: QemuClusterRequest;
  readonly #lan = randomLan();
  readonly #guests = new Map<string, Guest>();
  #hosts = 0;
  #operatorPort = 0;
  #pins: Uint8Array = new Uint8Array(0);
  #ekNames: ReadonlyMap<string, string> = new Map();

  constructor(request: QemuClusterRequest) {
    this.#request = request;
  }

  /** EK Name (hex) of every stamped slot. */
  get ekNames(): ReadonlyMap<string, string> {
    return this.#ekNames;
  }

  /** The multicast group that is the guests' LAN. */
  get lan(): Pick<LanShape, "group" | "port"> {
    return this.#lan;
  }

  /** `127.0.0.1:PORT` of the hub's operator listener. */
  get operatorAddress(): string {
    return `127.0.0.1:${this.#operatorPort}`;
  }

  /** A running guest by its name. Throws DeployError. */
  guest(name: string): Guest {
    const guest = this.#guests.get(name);
    if (guest === undefined) throw new DeployError("NOT_DEPLOYED", `no guest ${name} is running`);
    return guest;
  }

  /** Names of the guests that run now. */
  running(): readonly string[] {
    return [...this.#guests.values()].filter((guest) => guest.running).map((guest) => guest.name);
  }

  /** Settles with the cause once a guest is gone. */
  async ended(name: string): Promise<string> {
    return (await this.guest(name).exited).cause;
  }

  /** Makes every node's vTPM, or finds the one that was made before, and the signed pin file with the slots of `spec`. */
  async stamp(spec: ClusterSpec = this.#request.spec): Promise<void> {
    const { keys, tc, signal, signer, stateDir, ekTrust = null } = this.#request;
    const names = new Map<string, string>();
    for (const { name } of spec.topology.nodes) {
      // The firmware's keys come with the release: a store of an older one may not know the key that signed this image.
      await rm(guestPaths(this.#dir(name)).vars, { force: true });
      names.set(name, await stampGuest(tc, this.#dir(name), signal));
    }
    this.#ekNames = names;
    this.#pins = await writePins(stateDir, spec, keys, signer, names, ekTrust);
  }

  /** Boots the master, attests it before any network to it is used, certifies its hub, and waits until the hub listens. */
  async startHub(): Promise<AttestedFacts> {
    const { spec, keys, signer, release, releaseEnvelope, operator, report, signal } = this.#request;
    const master = masterOf(spec);
    this.#operatorPort = await freeTcpPort();
    await this.start(master.name);
    const mailbox = this.mailbox(master.name);
    const facts = await attestHub(mailbox, {
      cluster: spec.metadata.name,
      ekName: this.#ekNames.get(master.name) ?? "",
      role: master.role,
      release,
      verifierKey: new Uint8Array(keys.releaseKey.export({ type: "spki", format: "der" })),
      entropy: (n) => new Uint8Array(randomBytes(n)),
      now: () => performance.now(),
    });
    report(`${master.name}: attested over its guest agent (EK ${facts.ekName.slice(-8)}); certifying the hub`);
    const delivery = await makeDelivery({
      facts,
      signer,
      operatorIssuer: keys.operatorIssuer,
      slot: master.name,
      releases: [releaseEnvelope],
      pins: this.#pins,
      operator,
      now: new Date(),
    });
    await mailbox.postBytes("delivery", delivery);
    for (let waited = 0; !(await tlsAnswers("127.0.0.1", this.#operatorPort)); waited += 300) {
      if (waited > HUB_TIMEOUT_MS) throw new DeployError("GUEST_SILENT", `the hub does not listen; ${await this.console(master.name)} says why`);
      await sleep(300, undefined, { signal });
    }
    return facts;
  }

  /** Starts a stamped node, or under `as` a variant of it that nobody stamped. */
  async start(nodeName: string, as: string = nodeName, variant?: GuestVariant): Promise<Guest> {
    const { spec, release, releaseDir, tc, accel, vars, signal } = this.#request;
    const node = nodeNamed(spec, nodeName);
    const image = release.images.find((i) => i.role === node.role);
    if (image === undefined) throw new DeployError("NOT_DEPLOYED", `the release has no image for role ${node.role}`);
    const host = ++this.#hosts;
    const { disk, address, hub, vars: otherVars, oemStrings = [], ...hostile } = variant ?? { address: undefined };
    const paths = guestPaths(this.#dir(as));
    // What a guest writes on its disk is nothing that lasts; an overlay of an older release would boot that one.
    await rm(paths.disk, { force: true });
    if (otherVars !== undefined) await rm(paths.vars, { force: true });
    const guest = await startGuest(tc, {
      dir: this.#dir(as),
      name: as,
      uuid: uuidOf(spec.metadata.name, as),
      memoryMiB: node.vm.memory,
      cpus: node.vm.cpus,
      accel,
      disk: disk ?? { file: join(releaseDir, image.disk.file), format: "qcow2" },
      volumes: (image.volumes ?? []).map(({ name, size }) => ({ name, size: node.vm.volumes[name] ?? size })),
      vars: otherVars ?? vars,
      lan: { ...this.#lan, mac: macAddress(1, host) },
      ...this.#forward(node, host),
      oemStrings: [hintString(spec, node, address, hub), ...oemStrings],
      ...hostile,
      signal,
    });
    this.#guests.set(as, guest);
    return guest;
  }

  /** The guest's mailbox, over its guest agent. */
  mailbox(name: string): Mailbox {
    const { qga } = this.guest(name);
    const { signal } = this.#request;
    return new Mailbox(
      { read: (path, max) => this.readFile(name, path, max), write: (path, data) => qga.writeFile(path, data, signal) },
      (ms) => sleep(ms, undefined, { signal }),
    );
  }

  /** A file that the guest agent may read, or null while it isn't there (or the guest agent isn't). */
  async readFile(name: string, path: string, max: number): Promise<Uint8Array | null> {
    const guest = this.guest(name);
    try {
      return await guest.qga.readFile(path, max, this.#request.signal);
    } catch (error) {
      this.#request.signal.throwIfAborted();
      if (!guest.running) throw new DeployError("GUEST_ENDED", `${name} ended (${(await guest.exited).cause}); ${await this.console(name)} says why`, { cause: error });
      if (error instanceof GuestError) return null;
      throw error;
    }
  }

  /** The file with everything that a guest has written to its serial port. */
  async console(name: string): Promise<string> {
    return join(await realpath(this.#request.stateDir), name, basename(guestPaths("").serialLog));
  }

  /** Ends every guest and its vTPM. Their folders stay. */
  async stop(): Promise<void> {
    await Promise.all([...this.#guests.values()].map((guest) => guest.stop()));
    this.#guests.clear();
  }

  #dir(name: string): string {
    return join(this.#request.stateDir, name);
  }

  #forward(node: SpecNode, host: number): { readonly forward?: { readonly hostPort: number; readonly guestPort: number; readonly mac: string } } {
    if (node.name !== masterOf(this.#request.spec).name) return {};
    return { forward: { hostPort: this.#operatorPort, guestPort: OPERATOR_PORT, mac: macAddress(2, host) } };
  }
}

/** The same machine each time: SMBIOS UUID from cluster and name. */
export function uuidOf(cluster: string, name: string): string {
  const h = createHash("sha256").update(`${cluster}/${name}`).digest("hex");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
}
