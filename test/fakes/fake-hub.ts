import { X509Certificate } from "node:crypto";
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { parseApproval, type Approval, APPROVAL_TYPE } from "../../proto/release/approval.ts";
import { EK_PIN_TYPE, type EkPin, parseEkPin } from "../../proto/release/ek-pin.ts";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { verifyOperator } from "../../proto/pki/verify.ts";
import {
  AdminServiceService,
  type AdminServiceServer,
  type ApproveRequest,
  type AuditRow,
  type EkPin as EkPinView,
  type Finding,
  type FirmwareChange,
  type HeldRelease,
  type Node,
  type RecordedEvidence,
  type SetEkPinRequest,
  type Window,
} from "../../proto/gen/kubedos/v1/admin.ts";
import { chainPem, keyPem, type TestIdentity, type TestPki } from "./pki.ts";

/** What the fake knows; tests change it in place. */
export interface FakeState {
  nodes: Node[];
  findings: Record<string, Finding[]>;
  evidence: Record<string, RecordedEvidence>;
  ekPins: EkPinView[];
  /** Statements that came in. */
  pinned: { readonly pin: EkPin; readonly reason: string | undefined }[];
  firmwareChanges: FirmwareChange[];
  releases: HeldRelease[];
  floor: bigint;
  window: Window;
  audit: AuditRow[];
  auditIntact: boolean;
  acknowledged: string[];
  outstanding: string[];
  /** State of a node after the approval, one for each time it is asked for; the last one stays. After `connected`, `applied`: its kernel has its planes. */
  afterApproval: string[];
  /** Every call that arrived, by method. */
  calls: string[];
  approvals: { readonly approval: Approval; readonly reason: string | undefined; readonly by: string }[];
  /** Answers the next call with this error instead. */
  fail: { readonly code: status; readonly details: string; readonly kubedosCode?: string } | undefined;
  /** Never answers. */
  silent: boolean;
}

/**
 * An operator listener of the shape that the hub has, for tests of the command line alone: real gRPC, real mutual TLS,
 * and it verifies approvals as the hub must; its decisions are a table.
 */
export interface FakeHub {
  readonly address: string;
  readonly state: FakeState;
  stop(): Promise<void>;
}

/** Starts it on a port of the system's choice, or on a unix socket without TLS. */
export async function startFakeHub(pki: TestPki, identity: TestIdentity, state: FakeState, socket?: string): Promise<FakeHub> {
  const server = new Server();
  server.addService(AdminServiceService, service(pki, state));
  const credentials =
    socket === undefined
      ? ServerCredentials.createSsl(
          Buffer.from(chainPem([pki.root.certificate])),
          [{ private_key: Buffer.from(keyPem(identity.key)), cert_chain: Buffer.from(chainPem(identity.chain)) }],
          true,
        )
      : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(socket === undefined ? "127.0.0.1:0" : `unix:${socket}`, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return {
    address: socket ?? `127.0.0.1:${port}`,
    state,
    stop: async () => {
      server.forceShutdown();
    },
  };
}

type Call<Q> = ServerUnaryCall<Q, unknown>;

function service(pki: TestPki, state: FakeState): AdminServiceServer {
  function unary<Q, R>(name: string, answer: (request: Q, call: Call<Q>) => R): handleUnaryCall<Q, R> {
    return (call, done) => {
      state.calls.push(name);
      if (state.silent) return;
      try {
        if (state.fail !== undefined) throw refusal(state.fail.code, state.fail.details, state.fail.kubedosCode);
        done(null, answer(call.request, call as Call<Q>));
      } catch (error) {
        done(error as ServiceError);
      }
    };
  }
  const byId = (id: string): Node => {
    const found = state.nodes.filter((n) => n.name === id || (n.id !== "" && n.id.startsWith(id)));
    if (found.length > 1) throw refusal(status.INVALID_ARGUMENT, `more than one node begins with ${id}`, "AMBIGUOUS_ID");
    const node = found[0];
    if (node === undefined) throw refusal(status.NOT_FOUND, `no node matches "${id}"`, "NOT_FOUND");
    return node;
  };
  const moved = (node: Node, change: Partial<Node>): Node => {
    const after = { ...node, ...change };
    state.nodes = state.nodes.map((n) => (n === node ? after : n));
    return after;
  };
  const movedRelease = (id: string, change: Partial<HeldRelease>): HeldRelease => {
    const found = state.releases.find((r) => r.id.startsWith(id));
    if (found === undefined) throw refusal(status.NOT_FOUND, "no such release", "NOT_FOUND");
    const after = { ...found, ...change };
    state.releases = state.releases.map((r) => (r === found ? after : r));
    return after;
  };
  return {
    listNodes: unary("ListNodes", (q: { states: string[] }) => ({
      nodes: state.nodes.filter((n) => q.states.length === 0 || q.states.includes(n.state)),
    })),
    getNode: unary("GetNode", (q: { id: string }) => {
      const node = byId(q.id);
      const moves = node.state === "approved" || node.serialApplied < node.serialHub;
      const next = moves ? state.afterApproval.shift() : undefined;
      if (next === undefined) return node;
      if (next === "applied") return moved(node, { serialApplied: node.serialHub });
      return moved(node, { state: next, attached: true, serialHub: next === "connected" ? 5n : 0n });
    }),
    explain: unary("Explain", (q: { id: string }) => {
      const node = byId(q.id);
      return { node, findings: state.findings[node.id] ?? [], anchorFindings: [] };
    }),
    getEvidence: unary("GetEvidence", (q: { id: string }) => {
      const recorded = state.evidence[byId(q.id).id];
      if (recorded === undefined) throw refusal(status.NOT_FOUND, "no evidence of this node was kept", "NOT_FOUND");
      return recorded;
    }),
    getWindow: unary("GetWindow", () => state.window),
    listAudit: unary("ListAudit", (q: { limit: number }) => ({
      rows: state.audit.slice(-q.limit),
      head: state.audit.at(-1)?.hash ?? "",
      intact: state.auditIntact,
    })),
    approve: unary("Approve", (q: ApproveRequest, call) => {
      const node = byId(q.id);
      const approval = verifyApproval(pki, q);
      if (approval.ekName !== node.ekName) throw refusal(status.FAILED_PRECONDITION, "signed for another machine", "APPROVAL_MISMATCH");
      if (node.anchor !== "pinned" && node.anchor !== "certificate" && !approval.acceptRisks.includes("unanchored")) {
        throw refusal(status.FAILED_PRECONDITION, "nobody vouches for this TPM", "UNANCHORED");
      }
      const reason = call.metadata.get("kubedos-reason-bin")[0];
      state.approvals.push({ approval, reason: reason?.toString(), by: peerName(call) });
      return moved(node, { name: approval.slot, state: "approved", planes: { wg3: "10.80.0.5/32", wg1: "10.78.0.5/32", wg2: "10.79.0.5/32" } });
    }),
    deny: unary("Deny", (q: { id: string; reason: string }) => moved(byId(q.id), { state: "rejected", code: "IDENTITY_DENIED", message: q.reason })),
    revoke: unary("Revoke", (q: { id: string; reason: string }) => ({
      node: moved(byId(q.id), { state: "banned", code: "IDENTITY_REVOKED", message: q.reason, attached: false }),
      acknowledged: state.acknowledged,
      outstanding: state.outstanding,
    })),
    openWindow: unary("OpenWindow", (q: { seconds: number; max: number }, call) => {
      state.window = { open: true, expiresMs: BigInt(FAKE_NOW + q.seconds * 1000), remaining: q.max, openedBy: peerName(call) };
      return state.window;
    }),
    listFirmwareChanges: unary("ListFirmwareChanges", () => ({ changes: state.firmwareChanges })),
    listReleases: unary("ListReleases", () => ({ releases: state.releases, floor: state.floor })),
    stageRelease: unary("StageRelease", (q: { envelope: Buffer }) => {
      const staged = { id: q.envelope.toString().trim(), generation: 5n, state: "staged", roles: ["worker"], reason: "", sinceMs: BigInt(FAKE_NOW), nodes: [] };
      state.releases = [...state.releases, staged];
      return staged;
    }),
    activateRelease: unary("ActivateRelease", (q: { id: string }) => movedRelease(q.id, { state: "current" })),
    withdrawRelease: unary("WithdrawRelease", (q: { id: string; reason: string; acceptRisks: string[] }) => {
      if (!q.acceptRisks.includes("no-current-release")) throw refusal(status.FAILED_PRECONDITION, "without it no current release has an image of master", "LAST_RELEASE");
      return movedRelease(q.id, { state: "withdrawn", reason: q.reason });
    }),
    listEkPins: unary("ListEkPins", () => ({ pins: state.ekPins })),
    setEkPin: unary("SetEkPin", (q: SetEkPinRequest, call) => {
      const { by, pin } = verifyEkPin(pki, q);
      const before = state.ekPins.find((p) => p.slot === pin.slot);
      if (before === undefined) throw refusal(status.NOT_FOUND, "no such slot", "SLOT_UNKNOWN");
      const after = { ...before, ekName: pin.ekName ?? "", source: pin.ekName === null ? "" : "operator", operator: by, issuedAtMs: BigInt(pin.issuedAt) };
      state.ekPins = state.ekPins.map((p) => (p === before ? after : p));
      state.pinned.push({ pin, reason: call.metadata.get("kubedos-reason-bin")[0]?.toString() });
      return after;
    }),
    closeWindow: unary("CloseWindow", () => {
      state.window = { ...state.window, open: false, expiresMs: 0n, remaining: 0 };
      return state.window;
    }),
  };
}

/** The moment at which golden output stands still. */
export const FAKE_NOW: number = Date.UTC(2026, 5, 1, 12, 0, 0);

function verifyApproval(pki: TestPki, q: ApproveRequest): Approval {
  const statement = q.approval;
  if (statement === undefined) throw refusal(status.INVALID_ARGUMENT, "no approval", "BAD_REQUEST");
  const chain = statement.certificateChain.map((der) => new Uint8Array(der));
  const signer = verifyOperator({ chain, root: pki.root.certificate, cluster: pki.cluster, now: new Date() });
  return parseApproval(openEnvelope(APPROVAL_TYPE, parseEnvelope(new Uint8Array(statement.envelope)), [signer.key]));
}

function verifyEkPin(pki: TestPki, { statement }: SetEkPinRequest): { readonly pin: EkPin; readonly by: string } {
  if (statement === undefined) throw refusal(status.INVALID_ARGUMENT, "no statement", "BAD_REQUEST");
  const chain = statement.certificateChain.map((der) => new Uint8Array(der));
  const signer = verifyOperator({ chain, root: pki.root.certificate, cluster: pki.cluster, now: new Date() });
  return { by: signer.name, pin: parseEkPin(openEnvelope(EK_PIN_TYPE, parseEnvelope(new Uint8Array(statement.envelope)), [signer.key])) };
}

function peerName(call: { getAuthContext(): { sslPeerCertificate?: { raw: Buffer } } }): string {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  return raw === undefined ? "socket" : (new X509Certificate(raw).subjectAltName ?? "").replace(/^.*\//, "");
}

function refusal(code: status, details: string, kubedosCode?: string): ServiceError {
  const metadata = new Metadata();
  if (kubedosCode !== undefined) metadata.set("kubedos-code", kubedosCode);
  return Object.assign(new Error(details), { code, details, metadata });
}
