import { createSecureContext } from "node:tls";
import { type ChannelCredentials, type ClientOptions, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { MAX_MESSAGE_BYTES } from "../../../proto/evidence/limits.ts";
import {
  AdminServiceClient,
  type ApproveRequest,
  type EkPin,
  type ExplainResponse,
  type FirmwareChange,
  type HeldRelease,
  type ListAuditResponse,
  type ListEkPinsResponse,
  type ListFirmwareChangesResponse,
  type ListReleasesResponse,
  type ListNodesResponse,
  type Node,
  type RecordedEvidence,
  type RevokeResponse,
  type SignedStatement,
  type Window,
  type WithdrawReleaseRequest,
} from "../../../proto/gen/kubedos/v1/admin.ts";
import { PkiError } from "../../../proto/pki/error.ts";
import { identityHost } from "../../../proto/pki/names.ts";
import { CliError } from "../cli-error.ts";
import type { CliPorts } from "../ports.ts";
import { type OperatorIdentity, loadIdentity } from "./identity.ts";
import { verifyHub } from "./hub-identity.ts";
import { fromServiceError, type HubCheck } from "./service-error.ts";
import type { Target } from "./target.ts";

/** gRPC metadata key of a statement's reason, UTF-8. */
export const REASON_KEY = "kubedos-reason-bin";

const CALL_MS = 10_000;
/** Revoking waits at the hub for the live peers' word. */
const REVOKE_MS = 60_000;
/** A list of many thousand nodes; what the hub takes is bounded on its side. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** The hub's operator API as promises. Every method throws CliError. */
export interface Admin {
  /** Who we are to the hub; null over the socket, which reads only. */
  readonly operator: OperatorIdentity | null;
  /** For sentences: the address as it was given. */
  readonly where: string;
  listNodes(states: readonly string[]): Promise<readonly Node[]>;
  getNode(id: string): Promise<Node>;
  explain(id: string): Promise<ExplainResponse>;
  getEvidence(id: string): Promise<RecordedEvidence>;
  getWindow(): Promise<Window>;
  listAudit(limit: number): Promise<ListAuditResponse>;
  /** `reason` travels as metadata {@link REASON_KEY}: it is for the audit and no part of the signed statement. */
  approve(request: ApproveRequest, reason: string | undefined): Promise<Node>;
  deny(id: string, reason: string): Promise<Node>;
  revoke(id: string, reason: string): Promise<RevokeResponse>;
  openWindow(seconds: number, max: number): Promise<Window>;
  closeWindow(): Promise<Window>;
  listEkPins(): Promise<readonly EkPin[]>;
  listFirmwareChanges(): Promise<readonly FirmwareChange[]>;
  listReleases(): Promise<ListReleasesResponse>;
  stageRelease(envelope: Uint8Array): Promise<HeldRelease>;
  activateRelease(id: string): Promise<HeldRelease>;
  withdrawRelease(request: WithdrawReleaseRequest): Promise<HeldRelease>;
  /** `reason` as for {@link Admin.approve}. */
  setEkPin(statement: SignedStatement, reason: string | undefined): Promise<EkPin>;
  close(): void;
}

type Callback<T> = (error: ServiceError | null, response: T) => void;
interface CallSettings {
  readonly metadata: Metadata;
  readonly options: { readonly deadline: number };
}

/** Prepares a connection; it is made with the first call. Throws CliError where the identity can't be used. */
export async function connectAdmin(target: Target, ports: CliPorts): Promise<Admin> {
  if (target.t === "socket") {
    return admin(`unix:${target.path}`, target.path, credentials.createInsecure(), {}, null, () => ({ t: "none" }));
  }
  const operator = await loadIdentity(target.identityDir, ports);
  let check: HubCheck = { t: "none" };
  const checked = tlsCredentials(operator, ports, (result) => {
    check = result;
  });
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  const name = identityHost("hub", operator.cluster);
  const options = { "grpc.ssl_target_name_override": name, "grpc.default_authority": name };
  return admin(`${host}:${target.port}`, `${host}:${target.port}`, checked, options, operator, () => check);
}

function tlsCredentials(operator: OperatorIdentity, ports: CliPorts, onCheck: (c: HubCheck) => void): ChannelCredentials {
  const context = createSecureContext({
    minVersion: "TLSv1.3",
    ca: operator.rootPem,
    key: operator.keyPem,
    cert: operator.certificatePem,
  });
  return credentials.createFromSecureContext(context, {
    checkServerIdentity(_host, certificate) {
      try {
        verifyHub(certificate, { cluster: operator.cluster, rootPem: operator.rootPem, now: new Date(ports.now()) });
        onCheck({ t: "passed" });
        return undefined;
      } catch (e) {
        const error = e instanceof Error ? e : new PkiError("BAD_CERTIFICATE", "the hub's certificate can't be read");
        onCheck({ t: "refused", error });
        return error;
      }
    },
  });
}

function admin(
  address: string,
  where: string,
  channel: ChannelCredentials,
  options: ClientOptions,
  operator: OperatorIdentity | null,
  check: () => HubCheck,
): Admin {
  const client = new AdminServiceClient(address, channel, {
    ...options,
    "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
  });
  async function call<T>(start: (s: CallSettings, done: Callback<T>) => void, ms = CALL_MS): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      start({ metadata: new Metadata(), options: { deadline: Date.now() + ms } }, (error, response) => {
        if (error === null) resolve(response);
        else reject(fromServiceError(error, where, check()));
      });
    });
  }
  const decide = async <T>(start: (s: CallSettings, done: Callback<T>) => void, ms?: number): Promise<T> => {
    if (operator === null) throw readOnly(where);
    return await call(start, ms);
  };
  return {
    operator,
    where,
    listNodes: async (states) =>
      (await call<ListNodesResponse>((s, done) => client.listNodes({ states: [...states] }, s.metadata, s.options, done))).nodes,
    getNode: (id) => call((s, done) => client.getNode({ id }, s.metadata, s.options, done)),
    explain: (id) => call((s, done) => client.explain({ id }, s.metadata, s.options, done)),
    getEvidence: (id) => call((s, done) => client.getEvidence({ id }, s.metadata, s.options, done)),
    getWindow: () => call((s, done) => client.getWindow({}, s.metadata, s.options, done)),
    listAudit: (limit) => call((s, done) => client.listAudit({ limit }, s.metadata, s.options, done)),
    listEkPins: async () => (await call<ListEkPinsResponse>((s, done) => client.listEkPins({}, s.metadata, s.options, done))).pins,
    listFirmwareChanges: async () =>
      (await call<ListFirmwareChangesResponse>((s, done) => client.listFirmwareChanges({}, s.metadata, s.options, done))).changes,
    listReleases: () => call((s, done) => client.listReleases({}, s.metadata, s.options, done)),
    stageRelease: (envelope) => decide((s, done) => client.stageRelease({ envelope: Buffer.from(envelope) }, s.metadata, s.options, done)),
    activateRelease: (id) => decide((s, done) => client.activateRelease({ id }, s.metadata, s.options, done)),
    withdrawRelease: (request) => decide((s, done) => client.withdrawRelease(request, s.metadata, s.options, done)),
    setEkPin: (statement, reason) =>
      decide((s, done) => {
        if (reason !== undefined) s.metadata.set(REASON_KEY, Buffer.from(reason, "utf8"));
        return client.setEkPin({ statement }, s.metadata, s.options, done);
      }),
    approve: (request, reason) =>
      decide((s, done) => {
        if (reason !== undefined) s.metadata.set(REASON_KEY, Buffer.from(reason, "utf8"));
        return client.approve(request, s.metadata, s.options, done);
      }),
    deny: (id, reason) => decide((s, done) => client.deny({ id, reason }, s.metadata, s.options, done)),
    revoke: (id, reason) => decide((s, done) => client.revoke({ id, reason }, s.metadata, s.options, done), REVOKE_MS),
    openWindow: (seconds, max) => decide((s, done) => client.openWindow({ seconds, max }, s.metadata, s.options, done)),
    closeWindow: () => decide((s, done) => client.closeWindow({}, s.metadata, s.options, done)),
    close: () => client.close(),
  };
}

/** The hub refuses as well; saying it before anything is sent saves the operator a round trip. */
export function readOnly(where: string): CliError {
  return CliError.local(
    "READ_ONLY",
    `${where} gives read access only, decisions need an operator's certificate`,
    "give --hub HOST:PORT --identity DIR",
  );
}
