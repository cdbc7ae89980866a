import { generateKeyPairSync, randomBytes } from "node:crypto";
import { grpcConnector } from "../../agent/host/grpc-connector.ts";
import type { HubStream } from "../../agent/ports.ts";
import { parseClaims } from "../../proto/evidence/claims.ts";
import type { HubMessage } from "../../proto/gen/kubedos/v1/node.ts";
import { issueSelfSigned } from "../../proto/pki/self-signed.ts";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { verifyIdentity } from "../../proto/pki/verify.ts";
import { equalBytes } from "../../proto/wire/bytes.ts";
import type { RecordedNode } from "./recording.ts";
import type { ReplayHub } from "./replay-hub.ts";

const PROTOCOL = 1;
const ANSWER_MS = 10_000;
const HOUR_MS = 3_600_000;

type Body = NonNullable<HubMessage["body"]>;
type Kind = Body["$case"];
/** A message of the hub of one kind. */
export type Said<K extends Kind> = Extract<Body, { readonly $case: K }>["value"];

/** The stream of a machine that isn't there: the agent's own dialling, and what the recording says. */
export class PlayedNode {
  readonly node: RecordedNode;
  readonly #stream: HubStream;
  readonly #received: Body[] = [];
  /** How the stream ended; null while it lives. */
  #end: string | null = null;
  #wake: () => void = () => undefined;

  private constructor(node: RecordedNode, stream: HubStream) {
    this.node = node;
    this.#stream = stream;
    void this.#listen();
  }

  /** Dials the hub over mutual TLS with a key of the moment, and says hello with the recorded keys. */
  static async dial(node: RecordedNode, hub: ReplayHub, signal: AbortSignal): Promise<PlayedNode> {
    const { cluster, rootCa } = hub.image;
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const validity = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + HOUR_MS), serial: randomBytes(16) };
    const dial = {
      host: "127.0.0.1",
      port: hub.running.nodePort,
      serverName: `hub.${cluster}`,
      rootCa,
      certificate: certificatesToPem(issueSelfSigned({ ...validity, subjectKey: privateKey, key: privateKey })),
      key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      verifyHub: (chain: readonly Uint8Array[]) => verifyIdentity({ chain, root: rootCa, role: "hub", cluster, now: new Date() }).spki,
    };
    const played = new PlayedNode(node, await grpcConnector.dial(dial, signal));
    const { ekPublic, akPublic, claims } = node.evidence;
    const keys = { ekPublic: Buffer.from(ekPublic), akPublic: Buffer.from(akPublic), ekCertificate: Buffer.alloc(0), ekIntermediates: [] };
    played.#stream.send({ body: { $case: "hello", value: { protocol: PROTOCOL, cluster, bootId: parseClaims(claims).bootId, ...keys } } });
    return played;
  }

  /** Answers the hub's challenge with the recorded evidence. Says whether it was the recorded challenge. */
  async answer(): Promise<{ readonly recorded: boolean }> {
    const { nonce } = await this.next("challenge");
    const { secret, quote, signature, claims, firmwareLog, userspaceLog } = this.node.evidence;
    const value = {
      ...{ secret: Buffer.from(secret), quote: Buffer.from(quote), signature: Buffer.from(signature), claims: Buffer.from(claims) },
      ...{ firmwareLog: Buffer.from(firmwareLog), userspaceLog: Buffer.from(userspaceLog) },
    };
    this.#stream.send({ body: { $case: "evidence", value } });
    return { recorded: equalBytes(new Uint8Array(nonce), this.node.challenge.nonce) };
  }

  /** The next unread message of one of these kinds; heartbeats and the like are passed over, a refusal isn't. */
  async nextOf(kinds: readonly Kind[]): Promise<Body> {
    const deadline = performance.now() + ANSWER_MS;
    for (;;) {
      const found = this.#received.findIndex((body) => body.$case === "refusal" || kinds.includes(body.$case));
      const [body] = this.#received.splice(0, found + 1).slice(-1);
      if (body !== undefined && kinds.includes(body.$case)) return body;
      if (body?.$case === "refusal") throw new Error(`the hub refused ${this.node.name}: ${body.value.code}, ${body.value.message}`);
      const left = deadline - performance.now();
      if (this.#end !== null || left <= 0) throw new Error(`the hub did not say ${kinds.join(" or ")} to ${this.node.name}: ${this.#end ?? "silence"}`);
      await this.#news(left);
    }
  }

  /** See {@link PlayedNode.nextOf}. */
  async next<K extends Kind>(kind: K): Promise<Said<K>> {
    return (await this.nextOf([kind])).value as Said<K>;
  }

  close(): void {
    this.#stream.close();
  }

  async #news(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
  }

  async #listen(): Promise<void> {
    let end = "the stream ended";
    try {
      for await (const { body } of this.#stream.messages) {
        if (body !== undefined) this.#received.push(body);
        this.#wake();
      }
    } catch (error) {
      end = error instanceof Error ? error.message : "the stream broke";
    }
    this.#end = end;
    this.#wake();
  }
}
