import { credentials, type handleUnaryCall, type ServiceError } from "@grpc/grpc-js";
import { AdminServiceClient, type AdminServiceServer } from "../../proto/gen/kubedos/v1/admin.ts";
import { CLUSTER } from "./evidence-case.ts";
import { chainPem, keyPem, type TestIdentity } from "./pki.ts";

/** A client of the operator listener. */
export function operatorClient(port: number, identity: TestIdentity | null, root: string, cluster = CLUSTER): AdminServiceClient {
  const tls = credentials.createSsl(
    Buffer.from(root),
    identity === null ? null : Buffer.from(keyPem(identity.key)),
    identity === null ? null : Buffer.from(chainPem(identity.chain)),
    { checkServerIdentity: () => undefined },
  );
  const name = `hub.${cluster}`;
  return new AdminServiceClient(`127.0.0.1:${port}`, tls, { "grpc.ssl_target_name_override": name, "grpc.default_authority": name, "grpc.enable_retries": 0 });
}

/** Calls of an operator over a connection of their own. */
export async function withOperator<T>(
  at: { readonly operatorPort: number },
  world: { readonly operator: TestIdentity; readonly image: { readonly rootCa: string } },
  work: (client: AdminServiceClient) => Promise<T>,
): Promise<T> {
  const client = operatorClient(at.operatorPort, world.operator, world.image.rootCa);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** A client of the unix socket. */
export function socketClient(path: string): AdminServiceClient {
  return new AdminServiceClient(`unix:${path}`, credentials.createInsecure());
}

type Name = "listNodes" | "getNode" | "explain" | "getEvidence" | "getWindow" | "listAudit" | "listEkPins" | "setEkPin" | "approve" | "deny" | "revoke" | "openWindow" | "closeWindow" | "listFirmwareChanges" | "listReleases" | "stageRelease" | "activateRelease" | "withdrawRelease";
type Request<K extends Name> = AdminServiceServer[K] extends handleUnaryCall<infer Q, infer _> ? Q : never;
type Response<K extends Name> = AdminServiceServer[K] extends handleUnaryCall<infer _, infer R> ? R : never;
type AnyCall = (request: unknown, done: (error: ServiceError | null, response: unknown) => void) => void;

/** A unary call as a promise; a refusal is an error whose `code` is the `kubedos-code`, or else the gRPC status. */
export function unary<K extends Name>(client: AdminServiceClient, name: K, request: Request<K>): Promise<Response<K>> {
  return new Promise((resolve, reject) => {
    (client[name] as unknown as AnyCall).call(client, request, (error, response) => {
      if (error === null) return resolve(response as Response<K>);
      const [code] = error.metadata.get("kubedos-code");
      reject(Object.assign(new Error(error.details), { code: code?.toString() ?? error.code }));
    });
  });
}

/** An approval as the wire has it. */
export function signedStatement(signed: { readonly envelope: Uint8Array; readonly chain: readonly Uint8Array[] }) {
  return { envelope: Buffer.from(signed.envelope), certificateChain: signed.chain.map((der) => Buffer.from(der)) };
}
