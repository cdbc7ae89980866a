import { generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { type SecureServerOptions } from "node:http2";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { type HubMessage, type NodeMessage, NodeServiceService } from "../proto/gen/kubedos/v1/node.ts";
import { issueIntermediate, issueLeaf, issueRoot } from "../proto/pki/issue.ts";
import { makeCredential } from "../proto/tpm/credential.ts";
import { nameOf } from "../proto/tpm/public.ts";

/** A hub that asks for evidence and goes no further: what an agent waits for at its start, and nothing that is the hub's own work. */
export interface AgentHub {
  readonly port: number;
  /** PEM, for the agent's image. */
  readonly rootCa: string;
  /** Resolves with `performance.now()` at which the next evidence came. */
  evidence(): Promise<number>;
  stop(): void;
}

/** Starts it on the loopback, with a PKI of its own. */
export async function startAgentHub(cluster: string): Promise<AgentHub> {
  const { rootCa, key, chain } = await makeServerIdentity(cluster);
  const waiting: ((at: number) => void)[] = [];
  const server = new Server();
  server.addService(NodeServiceService, {
    attach: (stream: ServerDuplexStream<NodeMessage, HubMessage>) => {
      stream.on("error", () => undefined);
      stream.on("data", ({ body }: NodeMessage) => {
        if (body?.$case === "hello") stream.write({ body: challengeFor(new Uint8Array(body.value.ekPublic), new Uint8Array(body.value.akPublic)) });
        else if (body?.$case === "evidence") waiting.shift()?.(performance.now());
      });
    },
  });
  // As the hub does: any client certificate passes TLS.
  const credentials = ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(chain) }], false);
  const tls: SecureServerOptions = { requestCert: true, rejectUnauthorized: false };
  Object.assign((credentials as unknown as { readonly serverConstructorOptions: object }).serverConstructorOptions, tls);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { port, rootCa, evidence: () => new Promise((resolve) => waiting.push(resolve)), stop: () => server.forceShutdown() };
}

function challengeFor(ekPublic: Uint8Array, akPublic: Uint8Array): NonNullable<HubMessage["body"]> {
  const entropy = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
  const { credentialBlob, encryptedSecret } = makeCredential({ ekPublic, akName: nameOf(akPublic), secret: entropy(32), entropy });
  return { $case: "challenge", value: { nonce: randomBytes(32), credentialBlob: Buffer.from(credentialBlob), encryptedSecret: Buffer.from(encryptedSecret) } };
}

async function makeServerIdentity(cluster: string): Promise<{ readonly rootCa: string; readonly key: string; readonly chain: string }> {
  const [root, issuer, leaf] = Array.from({ length: 3 }, () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
  if (root === undefined || issuer === undefined || leaf === undefined) throw new Error("three keys are three");
  const validity = () => ({ notBefore: new Date("2020-01-01"), notAfter: new Date("2049-01-01"), serial: new Uint8Array(randomBytes(16)) });
  const rootDer = await issueRoot({ ...validity(), cluster, subjectKey: root, key: root });
  const issuerDer = await issueIntermediate({ ...validity(), cluster, role: "hub", subjectKey: issuer, issuer: { certificate: rootDer, key: root } });
  const leafDer = await issueLeaf({ ...validity(), cluster, role: "hub", name: "master", subjectKey: leaf, issuer: { certificate: issuerDer, key: issuer } });
  const pem = (...ders: readonly Uint8Array[]): string => ders.map((der) => new X509Certificate(der).toString()).join("");
  return { rootCa: pem(rootDer), key: leaf.export({ type: "pkcs8", format: "pem" }).toString(), chain: pem(leafDer, issuerDer) };
}
