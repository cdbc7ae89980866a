import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostPorts } from "../../hub/host/host-ports.ts";
import type { HubOptions } from "../../hub/hub-options.ts";
import type { HubPorts } from "../../hub/ports.ts";
import { type RunningHub, serveHub } from "../../hub/serve.ts";
import { encodeEnvelope, signEnvelope } from "../../proto/dsse/dsse.ts";
import { issueIntermediate } from "../../proto/pki/issue.ts";
import type { PkiRole } from "../../proto/pki/names.ts";
import { type Approval, APPROVAL_TYPE } from "../../proto/release/approval.ts";
import { type Delivery, DELIVERY_TYPE } from "../../proto/release/delivery.ts";
import type { ImageConfig, LeaseRule } from "../../proto/release/image-config.ts";
import { EK_PIN_TYPE, type EkPin } from "../../proto/release/ek-pin.ts";
import { type PinnedEkTrust, type Pins, PINS_TYPE } from "../../proto/release/pins.ts";
import { type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { CLUSTER, firmwareLog, releaseOf } from "./evidence-case.ts";
import { memoryFloor } from "./memory-floor.ts";
import { chainPem, makeIdentity, makePki, type TestIdentity, type TestPki } from "./pki.ts";

/** Log lines are of no interest where everything works; KUBEDOS_TEST_LOG shows them. */
export const quiet: HubPorts["log"] = process.env["KUBEDOS_TEST_LOG"] === undefined
  ? { info: () => undefined, warn: () => undefined, error: () => undefined }
  : hostPorts().log;

/** A statement with the chain that verifies it. */
export interface SignedStatement {
  readonly envelope: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

/** Slots of the test cluster; EK names are filled in by {@link HubWorld.pin}. */
const SLOTS: readonly Pins["slots"][number][] = [
  { name: "master", role: "master", index: 1, ekName: null },
  { name: "w-1", role: "worker", index: 2, ekName: null },
  { name: "w-2", role: "worker", index: 3, ekName: null },
  { name: "w-3", role: "worker", index: 4, ekName: null },
];

/** A build host and a folder for one hub: everything around `serveHub` that isn't the hub. */
export class HubWorld {
  readonly pki: TestPki;
  readonly operator: TestIdentity;
  readonly image: ImageConfig;
  readonly dir: string;
  release: Release;
  readonly releaseKey: KeyObject;
  slots = SLOTS;
  serial = 1;
  approvals: SignedStatement[] = [];
  /** Makers whose certificates count; null: none. */
  ekTrust: PinnedEkTrust | null = null;

  constructor(pki: TestPki, operator: TestIdentity, trust: LeaseRule = { leaseMs: 900_000, renewMs: 300_000 }) {
    this.pki = pki;
    this.operator = operator;
    this.dir = mkdtempSync(join(tmpdir(), "kubedos-hub-"));
    this.releaseKey = generateKeyPairSync("ed25519").privateKey;
    const spki = createPublicKey(this.releaseKey).export({ type: "spki", format: "der" });
    const plane = (name: "wg1" | "wg2" | "wg3", net: number) => ({ name, cidr: `10.${net}.0.0/24`, port: 51740 + net, topology: "hub-and-spoke" as const });
    this.image = {
      kind: "kubedos/image",
      version: 1,
      cluster: CLUSTER,
      role: "master",
      hub: true,
      planes: [plane("wg1", 78), plane("wg2", 79), plane("wg3", 80)],
      ports: [],
      releaseKeys: [toBase64(spki)],
      rootCa: chainPem([pki.root.certificate]),
      epoch: 0,
      trust,
    };
    const worker = releaseOf(firmwareLog);
    this.release = { ...worker, images: [...worker.images, ...releaseOf(firmwareLog, "master").images] };
  }

  /** `trust`: a lease that doesn't outlast a test. */
  static async make(trust?: LeaseRule): Promise<HubWorld> {
    const pki = await makePki(CLUSTER);
    return new HubWorld(pki, await makeIdentity(pki, "operator", "alice"), trust);
  }

  /** Options of a hub in this folder, on ports of the system's choice. */
  get options(): HubOptions {
    return { image: this.image, stateDir: this.dir, runDir: this.dir, listen: "127.0.0.1", nodePort: 0, operatorPort: 0, buckets: { burst: 1000, perSecond: 1000 } };
  }

  /** Pins an EK Name to a slot, as stamping does. */
  pin(slot: string, ekName: string | null): void {
    this.slots = this.slots.map((s) => (s.name === slot ? { ...s, ekName } : s));
    this.serial++;
  }

  /** An operator's statement; `changes` spoil it. */
  approval(ekName: string, slot: string, changes: Partial<Approval> = {}, by: TestIdentity = this.operator): SignedStatement {
    const role = this.slots.find((s) => s.name === slot)?.role ?? "worker";
    const approval: Approval = {
      ...{ kind: "kubedos/approval", version: 1, cluster: CLUSTER, ekName, slot, role, identityGeneration: 1, releaseGeneration: this.release.generation, firmware: null },
      ...{ notAfter: Math.floor(Date.now() / 1000) + 7 * 86_400, acceptRisks: [] },
      ...changes,
    };
    const envelope = encodeEnvelope(signEnvelope(APPROVAL_TYPE, canonicalJson(approval), by.key, createPublicKey(by.key)));
    return { envelope, chain: by.chain };
  }

  /** An operator's statement about which EK a slot is for; `changes` spoil it. */
  ekPin(slot: string, ekName: string | null, changes: Partial<EkPin> = {}, by: TestIdentity = this.operator): SignedStatement {
    const role = this.slots.find((s) => s.name === slot)?.role ?? "worker";
    const pin: EkPin = { kind: "kubedos/ek-pin", version: 1, cluster: CLUSTER, slot, role, ekName, issuedAt: Date.now(), ...changes };
    return { envelope: encodeEnvelope(signEnvelope(EK_PIN_TYPE, canonicalJson(pin), by.key, createPublicKey(by.key))), chain: by.chain };
  }

  /** DSSE by the release key. */
  sign(type: string, value: unknown, key: KeyObject = this.releaseKey): Uint8Array {
    return encodeEnvelope(signEnvelope(type, canonicalJson(value), key, createPublicKey(key)));
  }

  /** Signs the delivery for the keys that the hub wrote to issuers.json and puts it where the agent would. */
  async deliver(changes: Partial<Delivery> = {}, options: { readonly key?: KeyObject; readonly pki?: TestPki; readonly pins?: Partial<Pins> } = {}): Promise<void> {
    const text = readFileSync(join(this.dir, "issuers.json"), "utf8");
    const issuers = JSON.parse(text) as { readonly hub: string; readonly node: string };
    const pki = options.pki ?? this.pki;
    const pins: Pins = { kind: "kubedos/pins", version: 1, cluster: CLUSTER, serial: this.serial, slots: [...this.slots], ...(this.ekTrust === null ? {} : { ekTrust: this.ekTrust }), ...options.pins };
    const delivery: Delivery = {
      ...{ kind: "kubedos/delivery", version: 1, cluster: CLUSTER, slot: "master" },
      hubIssuer: toBase64(await certify(pki, "hub", issuers.hub)),
      nodeIssuer: toBase64(await certify(pki, "node", issuers.node)),
      operatorIssuer: toBase64(pki.issuers.operator.certificate),
      releases: [toBase64(this.sign(RELEASE_TYPE, this.release))],
      pins: toBase64(this.sign(PINS_TYPE, pins)),
      approvals: this.approvals.map((a) => ({ envelope: toBase64(a.envelope), chain: a.chain.map(toBase64) })),
      ...changes,
    };
    const path = join(this.dir, "delivery.json");
    writeFileSync(`${path}.tmp`, this.sign(DELIVERY_TYPE, delivery, options.key));
    renameSync(`${path}.tmp`, path);
  }

  /** A hub in this process, delivered and ready. */
  async start(ports: Partial<HubPorts> = {}, options: Partial<HubOptions> = {}): Promise<RunningHub> {
    const starting = this.restart(ports, options);
    starting.catch(() => undefined);
    await this.deliver();
    return await starting;
  }

  /** A hub in this process; it waits for a delivery, unless one is lying there. */
  async restart(ports: Partial<HubPorts> = {}, options: Partial<HubOptions> = {}): Promise<RunningHub> {
    return await serveHub({ ...this.options, ...options }, { ...hostPorts(), floor: memoryFloor(), log: quiet, ...ports });
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function certify(pki: TestPki, role: PkiRole, spki: string): Promise<Uint8Array> {
  const subjectKey = createPublicKey({ key: Buffer.from(fromBase64(spki)), type: "spki", format: "der" });
  const validity = { notBefore: new Date("2020-01-01T00:00:00Z"), notAfter: new Date("2049-01-01T00:00:00Z"), serial: new Uint8Array(16).fill(7) };
  return await issueIntermediate({ ...validity, subjectKey, cluster: pki.cluster, role, issuer: pki.root });
}
