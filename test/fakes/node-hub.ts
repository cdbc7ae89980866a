import { randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { type ServerDuplexStream, Server, ServerCredentials } from "@grpc/grpc-js";
import { verifierContext } from "../../proto/evidence/extra-data.ts";
import { type HubMessage, type NodeMessage, NodeServiceService } from "../../proto/gen/kubedos/v1/node.ts";
import { makeCredential } from "../../proto/tpm/credential.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { spkiOf } from "./agent-case.ts";
import { chainPem, keyPem, type TestIdentity } from "./pki.ts";

/** One agent's stream as the test's hub has it. */
export interface NodeCall {
  /** The client certificate that TLS brought, DER. */
  readonly certificate: Uint8Array;
  /** The next message of this kind; others are an error. Rejects when the stream ends. */
  next<K extends Kind>(kind: K): Promise<Value<K>>;
  send(body: NonNullable<HubMessage["body"]>): void;
  end(): void;
}

type Body = NonNullable<NodeMessage["body"]>;
type Kind = Body["$case"];
type Value<K extends Kind> = Extract<Body, { $case: K }>["value"];

/** A listener of the shape that the hub has: real gRPC, real mutual TLS; what it says is the test's. */
export interface NodeHub {
  readonly port: number;
  /** Streams that arrived. */
  readonly calls: number;
  stop(): void;
}

/** Starts it with a server certificate of the test's choice; `script` runs for each stream. */
export async function startNodeHub(identity: TestIdentity, script: (call: NodeCall, n: number) => Promise<void>, port = 0): Promise<NodeHub> {
  const server = new Server();
  let calls = 0;
  server.addService(NodeServiceService, {
    attach: (stream: ServerDuplexStream<NodeMessage, HubMessage>) => {
      stream.on("error", () => undefined);
      script(wrap(stream), calls++).catch(() => stream.end());
    },
  });
  const pair = { private_key: Buffer.from(keyPem(identity.key)), cert_chain: Buffer.from(chainPem(identity.chain)) };
  // As the hub does: any client certificate passes TLS and is judged by the service.
  const credentials = ServerCredentials.createSsl(null, [pair], false);
  Object.assign((credentials as unknown as { serverConstructorOptions: object }).serverConstructorOptions, { requestCert: true, rejectUnauthorized: false });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, p) => (error === null ? resolve(p) : reject(error)));
  });
  return {
    port: bound,
    get calls() {
      return calls;
    },
    stop: () => server.forceShutdown(),
  };
}

function wrap(stream: ServerDuplexStream<NodeMessage, HubMessage>): NodeCall {
  const queue: Body[] = [];
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  let over = false;
  stream.on("data", ({ body }: NodeMessage) => {
    if (body !== undefined) queue.push(body);
    waiting.shift()?.resolve();
  });
  for (const event of ["end", "error", "cancelled"]) {
    stream.on(event, () => {
      over = true;
      for (const w of waiting.splice(0)) w.reject(new Error("the agent ended the stream"));
    });
  }
  return {
    certificate: clientCertificate(stream),
    async next(kind) {
      while (queue.length === 0) {
        if (over) throw new Error("the agent ended the stream");
        await new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
      }
      const body = queue.shift();
      if (body?.$case !== kind) throw new Error(`expected ${kind}, got ${body?.$case}`);
      return body.value as Value<typeof kind>;
    },
    send: (body) => void stream.write({ body }),
    end: () => stream.end(),
  };
}

/** getAuthContext hides certificates that OpenSSL didn't verify, self-signed ones among them: so from the socket. */
function clientCertificate(stream: ServerDuplexStream<NodeMessage, HubMessage>): Uint8Array {
  interface Layer {
    readonly nextCall?: Layer;
    readonly stream?: { readonly session: { readonly socket: TLSSocket } };
  }
  let layer = (stream as unknown as { readonly call: Layer }).call;
  while (layer.nextCall !== undefined) layer = layer.nextCall;
  return new Uint8Array(layer.stream?.session.socket.getPeerCertificate().raw ?? []);
}

/** What a hub keeps of a challenge to judge its answer. */
export interface SentChallenge {
  readonly nonce: Uint8Array;
  readonly secret: Uint8Array;
  readonly verifier: Uint8Array;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Challenges the TPM that a hello named, as this server identity. */
export function sendChallenge(call: NodeCall, hello: Value<"hello">, cluster: string, identity: TestIdentity): SentChallenge {
  const nonce = new Uint8Array(randomBytes(32));
  const secret = new Uint8Array(randomBytes(32));
  const akName = nameOf(new Uint8Array(hello.akPublic));
  const credential = makeCredential({ ekPublic: new Uint8Array(hello.ekPublic), akName, secret, entropy: (n) => new Uint8Array(randomBytes(n)) });
  call.send({
    $case: "challenge",
    value: {
      nonce: Buffer.from(nonce),
      credentialBlob: Buffer.from(credential.credentialBlob),
      encryptedSecret: Buffer.from(credential.encryptedSecret),
    },
  });
  return { nonce, secret, verifier: verifierContext(cluster, spkiOf(identity.key)), issuedAt: 1000, expiresAt: 2000 };
}
