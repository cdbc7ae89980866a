import { verifierContext } from "../../proto/evidence/extra-data.ts";
import { EVIDENCE_LIMITS } from "../../proto/evidence/limits.ts";
import type { Challenge, HubMessage, NodeMessage, PlaneUpdate, Refusal } from "../../proto/gen/kubedos/v1/node.ts";
import type { ImageConfig } from "../../proto/release/image-config.ts";
import { AgentError } from "../error.ts";
import type { HubStream, Ports } from "../ports.ts";
import type { StatusBoard } from "../status/status-board.ts";
import type { Attestor } from "../tpm/attestor.ts";
import type { Measurer } from "../tpm/measurer.ts";
import type { TpmIdentity } from "../tpm/tpm-identity.ts";
import type { NodeKeys } from "../boot/node-keys.ts";
import type { PlaneManager } from "./plane-manager.ts";
import { readAdmission } from "./read-admission.ts";
import type { Trust } from "./verify-approval.ts";

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
}

/** How a session ended without an error. */
export type SessionEnd = { readonly t: "refused"; readonly refusal: Refusal } | { readonly t: "ended" };

/** One Attach stream: says hello, answers whatever the hub asks, in order, until it ends. */
export class Session {
  readonly #c: AttachContext;
  readonly #stream: HubStream;
  #admitted = false;
  #believed = false;

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
    this.#send({ $case: "hello", value: { protocol: PROTOCOL, cluster: config.cluster, ekPublic, akPublic, bootId } });
    status.node({ state: "attesting", message: "said hello, waits for a challenge" });
    for await (const message of this.#stream.messages) {
      const end = await this.#take(message);
      if (end !== null) return end;
    }
    return { t: "ended" };
  }

  async #take({ body }: HubMessage): Promise<SessionEnd | null> {
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
      case undefined:
        // A message that this version doesn't know is no reason to lose the node.
        return null;
      default:
        return body satisfies never;
    }
  }

  async #answer(challenge: Challenge): Promise<void> {
    const { nonce, credentialBlob, encryptedSecret } = challenge;
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
    if (!this.#admitted) this.#c.status.node({ state: "attesting", message: "sent its evidence" });
  }

  async #admit(admission: Parameters<typeof readAdmission>[0]): Promise<void> {
    const { config, identity, keys, measurer, planes, status } = this.#c;
    const place = readAdmission(admission, { config, ekName: identity.ekName, tlsSpki: keys.tlsSpki }, this.#trust());
    this.#believed = true;
    await measurer.reach("kubedos-admitted");
    status.update({ phase: measurer.phase });
    await planes.admit(place);
    this.#admitted = true;
    status.node({ state: "admitted", id: place.id, name: place.name, index: place.index, message: "connected to the hub" });
  }

  async #apply(update: PlaneUpdate): Promise<void> {
    if (!this.#admitted) throw new AgentError("PROTOCOL", "the hub named peers before it admitted this node");
    const applied = await this.#c.planes.update(update, this.#trust());
    if (!applied) return;
    this.#send({ $case: "planeAck", value: { epoch: update.epoch, serial: update.serial } });
    this.report();
  }

  /** Tells the hub what the kernel has. */
  report(): void {
    const { steps, planes } = this.#c.status.status;
    const interfacesUp = planes.filter((p) => p.up).map((p) => p.name);
    this.#send({ $case: "report", value: { step: steps.at(-1)?.name ?? "", interfacesUp } });
  }

  #send(body: NonNullable<NodeMessage["body"]>): void {
    this.#stream.send({ body });
  }

  #trust(): Trust {
    return trustAt(this.#c.config, this.#c.ports.clock.now());
  }
}

/** What the image trusts, at max(machine's date, image's epoch): a clock set back doesn't revive what has expired before (DESIGN §2.16). */
export function trustAt(config: ImageConfig, now: Date): Trust {
  return { cluster: config.cluster, rootCa: config.rootCa, now: new Date(Math.max(now.getTime(), config.epoch * 1000)) };
}

/** The hub's words for people end on a console: no control characters, no novels. */
function text(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 300);
}
