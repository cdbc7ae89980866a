import { generateKeyPairSync, type KeyObject, randomUUID, X509Certificate } from "node:crypto";
import { type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import type { EkCertificateNv } from "../../agent/tpm/ek-certificate.ts";
import type { Claims } from "../../proto/evidence/claims.ts";
import { verifierContext } from "../../proto/evidence/extra-data.ts";
import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { type Evidence, type Hello, type HubMessage, type NodeMessage, NodeServiceClient } from "../../proto/gen/kubedos/v1/node.ts";
import { issueSelfSigned } from "../../proto/pki/self-signed.ts";
import type { KeyKind } from "../../proto/tpm/templates.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { type Machine, bootMachine, extraDataOf } from "../swtpm/boot-machine.ts";
import { resetSwtpm } from "../swtpm/reset-swtpm.ts";
import type { Swtpm } from "../swtpm/start-swtpm.ts";
import { claimsOf, CLUSTER, firmwareLog, userspaceLogOf, WORDS } from "./evidence-case.ts";
import { chainPem, keyPem } from "./pki.ts";

type Body = NonNullable<HubMessage["body"]>;
/** One message of the hub of a given kind. */
export type Got<K extends Body["$case"]> = Extract<Body, { readonly $case: K }>["value"];

/** The logs that a machine shows, whatever it measured. */
export interface ShownLogs {
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/** A machine: a real TPM in the state of a good boot, and the keys that this boot made. */
export class TestMachine {
  tpm: Machine;
  readonly key: KeyObject;
  claims: Uint8Array;
  certificate: Uint8Array;
  logs: ShownLogs;
  /** What it shows beside its EK; a fresh vTPM has nothing. */
  ekCertificate: EkCertificateNv = { certificate: new Uint8Array(0), chain: [] };

  constructor(tpm: Machine, key: KeyObject, claims: Uint8Array, certificate: Uint8Array, logs: ShownLogs = { firmwareLog, userspaceLog: userspaceLogOf(WORDS) }) {
    this.logs = logs;
    this.tpm = tpm;
    this.key = key;
    this.claims = claims;
    this.certificate = certificate;
  }

  get ekName(): string {
    return toHex(this.tpm.ek.name);
  }

  /** Boots a software TPM; `words` are what userspace measured. */
  static async boot(changes: Partial<Claims> = {}, words: readonly string[] = WORDS, options: { readonly ek?: KeyKind; readonly swtpm?: Swtpm } = {}): Promise<TestMachine> {
    const tpm = await bootMachine({ firmwareLog, userspaceLog: userspaceLogOf(words), ...options });
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    return new TestMachine(tpm, privateKey, claimsOf(spki, changes), await selfSigned(privateKey));
  }

  /** The power goes off and on; the firmware then measures `log`. Its keys stay, so that one machine fits through a test. */
  async reboot(log: Uint8Array = firmwareLog): Promise<void> {
    await resetSwtpm(this.tpm.swtpm);
    this.tpm = await bootMachine({ firmwareLog: log, userspaceLog: userspaceLogOf(WORDS), swtpm: this.tpm.swtpm });
    this.logs = { ...this.logs, firmwareLog: log };
    const claims = JSON.parse(new TextDecoder().decode(this.claims)) as Claims;
    this.claims = canonicalJson({ ...claims, bootId: randomUUID() });
  }

  stop(): Promise<void> {
    return this.tpm.stop();
  }
}

function ekFields({ ekCertificate: { certificate, chain } }: TestMachine): Pick<Hello, "ekCertificate" | "ekIntermediates"> {
  return { ekCertificate: Buffer.from(certificate), ekIntermediates: chain.map((part) => Buffer.from(part)) };
}

/** A self-signed certificate as a node has before it is admitted. */
export async function selfSigned(key: KeyObject): Promise<Uint8Array> {
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 7 * 86_400_000), serial: new Uint8Array(16).fill(9) };
  return issueSelfSigned({ ...validity, subjectKey: key, key });
}

/** What a {@link TestStream} may spoil in an answer: before the quote, so that it covers what is shown, or after it. */
export interface AnswerChanges {
  readonly claims?: Uint8Array;
  readonly firmwareLog?: Uint8Array;
  readonly userspaceLog?: Uint8Array;
  readonly secret?: Uint8Array;
  /** The hub's key that the quote names; without it the one that TLS proved. */
  readonly hubKey?: Uint8Array;
}

/** One Attach stream of a test, over real gRPC and TLS. */
export class TestStream {
  readonly #cluster: string;
  readonly #client: NodeServiceClient;
  readonly #stream: ClientDuplexStream<NodeMessage, HubMessage>;
  readonly #inbox: Body[] = [];
  #wake: () => void = () => undefined;
  hubKey: Uint8Array = new Uint8Array();
  /** All messages, in order. */
  readonly received: Body[] = [];
  error: ServiceError | null = null;
  ended = false;

  constructor(port: number, key: KeyObject, chain: readonly Uint8Array[], root: string, cluster = CLUSTER) {
    this.#cluster = cluster;
    const tls = credentials.createSsl(Buffer.from(root), Buffer.from(keyPem(key)), Buffer.from(chainPem(chain)), {
      checkServerIdentity: (_host, certificate) => {
        this.hubKey = new Uint8Array(new X509Certificate(certificate.raw).publicKey.export({ type: "spki", format: "der" }));
        return undefined;
      },
    });
    const name = `hub.${cluster}`;
    this.#client = new NodeServiceClient(`127.0.0.1:${port}`, tls, { "grpc.ssl_target_name_override": name, "grpc.default_authority": name, "grpc.max_send_message_length": -1, "grpc.enable_retries": 0 });
    this.#stream = this.#client.attach();
    this.#stream.on("data", ({ body }: HubMessage) => {
      if (body === undefined) return;
      this.received.push(body);
      this.#inbox.push(body);
      this.#wake();
    });
    const end = (): void => {
      this.ended = true;
      this.#wake();
    };
    this.#stream.on("error", (error: ServiceError) => {
      this.error = error;
      end();
    });
    this.#stream.on("end", end);
  }

  send(body: NonNullable<NodeMessage["body"]>): void {
    this.#stream.write({ body });
  }

  hello(machine: TestMachine, changes: Partial<Hello> = {}): void {
    const value = { protocol: 1, cluster: this.#cluster, ekPublic: Buffer.from(machine.tpm.ek.publicArea), akPublic: Buffer.from(machine.tpm.ak.publicArea), bootId: "b", ...ekFields(machine), ...changes };
    this.send({ $case: "hello", value });
  }

  /** The next message, which must be of this kind. Heartbeats come at any time: they are passed over unless one is wanted. */
  async next<K extends Body["$case"]>(kind: K, timeoutMs = 5000): Promise<Got<K>> {
    const limit = Date.now() + timeoutMs;
    for (;;) {
      while (kind !== "heartbeat" && this.#inbox[0]?.$case === "heartbeat") this.#inbox.shift();
      if (this.#inbox.length > 0) break;
      if (this.ended) throw new Error(`wanted ${kind}, the stream ended: ${this.error?.message ?? "no error"}`);
      if (Date.now() > limit) throw new Error(`wanted ${kind}, nothing came`);
      await this.#wait(limit - Date.now());
    }
    const body = this.#inbox.shift();
    if (body?.$case !== kind) throw new Error(`wanted ${kind}, got ${JSON.stringify(body, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v)).slice(0, 300)}`);
    return (body as Extract<Body, { $case: K }>).value as Got<K>;
  }

  /** Until the stream has ended. */
  async end(timeoutMs = 5000): Promise<void> {
    const limit = Date.now() + timeoutMs;
    while (!this.ended && Date.now() < limit) await this.#wait(limit - Date.now());
    if (!this.ended) throw new Error("the stream is still open");
  }

  /** Answers a challenge; `changes` spoil the evidence. */
  async answer(machine: TestMachine, challenge: Got<"challenge">, changes: AnswerChanges = {}): Promise<void> {
    this.send({ $case: "evidence", value: await this.evidence(machine, challenge, changes) });
  }

  /** The machine's evidence for a challenge, not sent. */
  async evidence(machine: TestMachine, challenge: Got<"challenge">, changes: AnswerChanges = {}): Promise<Evidence> {
    const { tpm } = machine;
    const secret = changes.secret ?? (await tpm.client.activateCredential({ ak: tpm.ak, ek: tpm.ek, credentialBlob: challenge.credentialBlob, encryptedSecret: challenge.encryptedSecret }));
    const claims = changes.claims ?? machine.claims;
    const { firmwareLog, userspaceLog } = { ...machine.logs, ...changes };
    const verifier = verifierContext(this.#cluster, changes.hubKey ?? this.hubKey);
    const asked = { nonce: new Uint8Array(challenge.nonce), secret, verifier, issuedAt: 0, expiresAt: 0 };
    const { quote, signature } = await tpm.client.quote({ ak: tpm.ak, extraData: extraDataOf({ challenge: asked, claims, firmwareLog, userspaceLog }), pcrs: QUOTED_PCRS, banks: tpm.banks });
    const bytes = { secret, quote, signature, claims, firmwareLog, userspaceLog };
    return Object.fromEntries(Object.entries(bytes).map(([name, data]) => [name, Buffer.from(data)])) as Record<keyof typeof bytes, Buffer>;
  }

  /** Hello, challenge, evidence. */
  async attest(machine: TestMachine): Promise<void> {
    this.hello(machine);
    await this.answer(machine, await this.next("challenge"));
  }

  /** Acknowledges an update, as the agent does after the kernel has it. */
  ack(update: Got<"planeUpdate">): void {
    this.send({ $case: "planeAck", value: { epoch: update.epoch, serial: update.serial } });
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, ms));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
