import { verifierContext } from "../../proto/evidence/extra-data.ts";
import { EVIDENCE_LIMITS } from "../../proto/evidence/limits.ts";
import type { Challenge, Heartbeat, HubMessage, NodeMessage, PlaneUpdate, Refusal } from "../../proto/gen/kubedos/v1/node.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import type { OperatorTrust } from "../../proto/release/operator-statement.ts";
import { AgentError } from "../error.ts";
import type { HubStream, Ports } from "../ports.ts";
import type { StatusBoard } from "../status/status-board.ts";
import type { Attestor } from "../tpm/attestor.ts";
import type { Measurer } from "../tpm/measurer.ts";
import type { TpmIdentity } from "../tpm/tpm-identity.ts";
import type { NodeKeys } from "../boot/node-keys.ts";
import type { Horizon } from "./horizon.ts";
import type { PlaneManager } from "./plane-manager.ts";
import { readAdmission } from "./read-admission.ts";

const PROTOCOL = 1;
const NONCE_BYTES = 32;

/** What every session works with. */
export interface AttachContext {
  readonly ports: Ports;
  readonly status: StatusBoard;
  readonly config: ImageConfig;
  readonly bootId: string;
  readonly identity: TpmIdentity;
  readonly keys: NodeKeys;
  readonly attestor: Attestor;
  readonly measurer: Measurer;
  readonly planes: PlaneManager;
  readonly horizon: Horizon;
}

/** How a session ended without an error. */
export type SessionEnd = { readonly t: "refused"; readonly refusal: Refusal } | { readonly t: "ended" };

/** The maker's certificate and chain, as the hello carries them. */
function ekCertificateFields({ ekCertificate: { certificate, chain } }: TpmIdentity): { ekCertificate: Buffer; ekIntermediates: Buffer[] } {
  return { ekCertificate: Buffer.from(certificate), ekIntermediates: chain.map((part) => Buffer.from(part)) };
}

/** One Attach stream: says hello, answers whatever the hub asks, in order, until it ends. */
export class Session {
  readonly #c: AttachContext;
  readonly #stream: HubStream;
  #admitted = false;
  #believed = false;
  /** When each evidence of this stream was asked for, on the boot clock. */
  readonly #answers: number[] = [];
  /** The peers are those that this stream's hub named. */
  #mapped = false;

  constructor(context: AttachContext, stream: HubStream) {
    this.#c = context;
    this.#stream = stream;
  }

  /** Whether the hub believed the evidence: the next attempt after a break then starts without back-off. */
  get believed(): boolean {
    return this.#believed;
  }

  /** Throws {@link AgentError} `DISCONNECTED`, `PROTOCOL`, `BAD_UPDATE`, `ADMISSION_REFUSED` or `PEER_REFUSED`, or TpmError. */
  async run(): Promise<SessionEnd> {
    const { config, identity, bootId, status } = this.#c;
    const ekPublic = Buffer.from(identity.ek.publicArea);
    const akPublic = Buffer.from(identity.ak.publicArea);
    this.#send({ $case: "hello", value: { protocol: PROTOCOL, cluster: config.cluster, ekPublic, akPublic, bootId, ...ekCertificateFields(identity) } });
    if (!this.#c.planes.adrift) status.node({ state: "attesting", message: "said hello, waits for a challenge" });
    for await (const message of this.#stream.messages) {
      const end = await this.#take(message);
      if (end !== null) return end;
    }
    return { t: "ended" };
  }

  async #take({ body }: HubMessage): Promise<SessionEnd | null> {
    // A process that was stopped finds the hub's older words here. First of all its own time counts.
    await this.#c.horizon.check();
    switch (body?.$case) {
      case "challenge":
        await this.#answer(body.value);
        return null;
      case "waiting": {
        this.#believed = true;
        const state = body.value.state === "unanchored" ? "unanchored" : "pending";
        this.#c.status.node({ state, id: text(body.value.id), message: text(body.value.message) || "waits for an operator's approval" });
        return null;
      }
      case "refusal":
        return { t: "refused", refusal: body.value };
      case "admission":
        await this.#admit(body.value);
        return null;
      case "planeUpdate":
        await this.#apply(body.value);
        return null;
      case "heartbeat":
        await this.#extend(body.value);
        return null;
      case undefined:
        // A message that this version doesn't know is no reason to lose the node.
        return null;
      default:
        return body satisfies never;
    }
  }

  async #answer(challenge: Challenge): Promise<void> {
    const { nonce, credentialBlob, encryptedSecret } = challenge;
    this.#answers.push(this.#c.ports.clock.bootTime());
    const limit = EVIDENCE_LIMITS.publicArea;
    if (nonce.length !== NONCE_BYTES || credentialBlob.length > limit || encryptedSecret.length > limit) {
      throw new AgentError("PROTOCOL", "the hub's challenge has parts of a wrong size");
    }
    // The key that this connection proved, not one that the message names: a relay's evidence is worthless elsewhere.
    const verifier = verifierContext(this.#c.config.cluster, this.#stream.hubKey);
    const e = await this.#c.attestor.answer({
      nonce: new Uint8Array(nonce),
      credentialBlob: new Uint8Array(credentialBlob),
      encryptedSecret: new Uint8Array(encryptedSecret),
      verifier,
    });
    this.#send({
      $case: "evidence",
      value: {
        secret: Buffer.from(e.secret),
        quote: Buffer.from(e.quote),
        signature: Buffer.from(e.signature),
        claims: Buffer.from(e.claims),
        firmwareLog: Buffer.from(e.firmwareLog),
        userspaceLog: Buffer.from(e.userspaceLog),
      },
    });
    if (!this.#admitted && !this.#c.planes.adrift) this.#c.status.node({ state: "attesting", message: "sent its evidence" });
  }

  async #admit(admission: Parameters<typeof readAdmission>[0]): Promise<void> {
    const { config, identity, keys, measurer, planes, status } = this.#c;
    const place = readAdmission(admission, { config, ekName: identity.ekName, tlsSpki: keys.tlsSpki }, this.#trust());
    this.#believed = true;
    await measurer.reach("kubedos-admitted");
    status.update({ phase: measurer.phase });
    await planes.admit(place);
    this.#admitted = true;
    // Adrift, it is back only when its peers are.
    if (!planes.adrift) status.node({ state: "admitted", id: place.id, name: place.name, index: place.index, message: "connected to the hub" });
  }

  async #apply(update: PlaneUpdate): Promise<void> {
    if (!this.#admitted) throw new AgentError("PROTOCOL", "the hub named peers before it admitted this node");
    const applied = await this.#c.planes.update(update, this.#trust());
    if (!applied) return;
    if (update.full) {
      this.#mapped = true;
      // Who names peers has believed an evidence of this stream, perhaps not yet the newest: until a heartbeat says more,
      // the lease of the one before is the horizon.
      await this.#c.horizon.grant((this.#answers.at(-2) ?? this.#answers[0] ?? 0) + this.#c.config.trust.leaseMs);
    }
    this.#send({ $case: "planeAck", value: { epoch: update.epoch, serial: update.serial } });
    this.report();
    await this.#c.planes.serve();
  }

  /**
   * The horizon counts from the heartbeat's receipt, and ends at the latest one lease after this node was asked for the
   * evidence that it rests on: the hub can shorten it, and a word of the hub that lay somewhere can't lengthen it.
   */
  async #extend({ horizonMs, verdicts }: Heartbeat): Promise<void> {
    if (!this.#mapped) return;
    const answered = this.#answers[verdicts - 1];
    if (answered === undefined) throw new AgentError("PROTOCOL", "the hub's heartbeat rests on an evidence that this stream never saw");
    const { clock } = this.#c.ports;
    await this.#c.horizon.grant(Math.min(clock.bootTime() + horizonMs, answered + this.#c.config.trust.leaseMs));
  }

  /** Tells the hub what the kernel has; nothing before the hub believed this stream's evidence, also where an earlier stream was admitted. */
  report(): void {
    if (!this.#believed) return;
    const { steps, planes } = this.#c.status.status;
    const interfacesUp = planes.filter((p) => p.up).map((p) => p.name);
    this.#send({ $case: "report", value: { step: steps.at(-1)?.name ?? "", interfacesUp } });
  }

  #send(body: NonNullable<NodeMessage["body"]>): void {
    this.#stream.send({ body });
  }

  #trust(): OperatorTrust {
    return trustAt(this.#c.config, this.#c.ports.clock.now());
  }
}

/** What the image trusts, at max(machine's date, image's epoch): a clock set back doesn't revive what has expired before (DESIGN §2.16). */
export function trustAt(config: ImageConfig, now: Date): OperatorTrust {
  return { cluster: config.cluster, rootCa: config.rootCa, now: new Date(Math.max(now.getTime(), config.epoch * 1000)) };
}

/** The hub's words for people end on a console: no control characters, no novels. */
function text(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 300);
}
