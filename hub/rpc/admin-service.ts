import type { handleUnaryCall, ServerUnaryCall } from "@grpc/grpc-js";
import type { AdminServiceServer, SignedStatement, Window } from "../../proto/gen/kubedos/v1/admin.ts";
import { mayDo, type OperatorRole } from "../../proto/pki/operator-role.ts";
import { EK_PIN } from "../../proto/release/ek-pin.ts";
import { APPROVAL } from "../../proto/release/approval.ts";
import type { OperatorStatement } from "../../proto/release/operator-statement.ts";
import { auditRefusal } from "../enroll/audit-refusal.ts";
import { approve, deny, type Operator, revoke } from "../enroll/decide.ts";
import { findNode } from "../enroll/find-node.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import { setEkPin } from "../enroll/pin-ek.ts";
import { HubError } from "../error.ts";
import { activateRelease, stageRelease, withdrawRelease } from "../trust/decide-release.ts";
import { viewEkPin, viewEkPins } from "./ek-pin-view.ts";
import { viewFirmwareChanges } from "./firmware-changes-view.ts";
import { findingMessage } from "./finding-message.ts";
import { anchorFindingsOf, findingsOf } from "./firmware-view.ts";
import { grpcError } from "./grpc-error.ts";
import { asBuffer } from "./messages.ts";
import { viewAll, viewIdentity } from "./node-view.ts";
import { viewRelease, viewReleases } from "./release-view.ts";

/** Metadata key of a statement's reason, UTF-8: for the audit, no part of the signed statement. */
const REASON_KEY = "kubedos-reason-bin";
const MAX_REASON_BYTES = 512;
const MAX_ENVELOPE_BYTES = 64 * 1024;
const MAX_WINDOW_SECONDS = 24 * 3600;
const MAX_WINDOW_PLACES = 65_534;
const MAX_AUDIT_ROWS = 10_000;

type Call<Q> = ServerUnaryCall<Q, unknown>;

/** Who calls: an operator by his certificate, or whoever may open the unix socket. */
export type Caller = { readonly t: "operator"; readonly operator: Operator } | { readonly t: "socket" };

/**
 * The operators' API. `callerOf` says who is behind a connection, judged anew at each call, and throws for everybody else. Every operator
 * may read; each deciding method names the role that it needs, and refuses a lesser one with `NOT_PERMITTED`. To the unix socket every
 * deciding method answers `READ_ONLY`, whatever user is on the other side.
 */
export function adminService(context: HubContext, callerOf: (address: string) => Caller): AdminServiceServer {
  const { store, ports } = context;
  const log = (error: unknown): void => {
    if (!(error instanceof HubError)) ports.log.error("admin call failed", { err: error });
  };
  function reading<Q, R>(answer: (request: Q) => R): handleUnaryCall<Q, R> {
    return handler((call) => {
      callerOf(call.getPeer());
      return answer(call.request);
    }, log);
  }
  function deciding<Q, R>(needs: OperatorRole, answer: (request: Q, by: Operator, call: Call<Q>) => R | Promise<R>): handleUnaryCall<Q, R> {
    return handler((call) => {
      const caller = callerOf(call.getPeer());
      if (caller.t === "socket") throw new HubError("READ_ONLY", "this socket gives read access only");
      checkRole(context, caller.operator, needs, call.getPath());
      return answer(call.request, caller.operator, call);
    }, log);
  }
  return {
    listNodes: reading((q) => ({ nodes: viewAll(context).filter((n) => q.states.length === 0 || q.states.includes(n.state)) })),
    getNode: reading((q) => viewNamed(context, q.id)),
    explain: reading((q) => {
      const node = viewNamed(context, q.id);
      // Findings of the last verdict are history once a later one has passed; it replaces them then.
      const findings = node.id === "" ? [] : findingsOf(context, node.id);
      return { node, findings: findings.map(findingMessage), anchorFindings: anchorFindingsOf(context, node.id).map(findingMessage) };
    }),
    getEvidence: reading((q) => recordedEvidence(context, q.id)),
    getWindow: reading(() => viewWindow(context)),
    listAudit: reading((q) => {
      const rows = store.audit.newest(q.limit === 0 ? MAX_AUDIT_ROWS : Math.min(q.limit, MAX_AUDIT_ROWS)).toReversed();
      const { head, intact } = store.audit.verify();
      return { rows: rows.map((r) => ({ ...r, seq: BigInt(r.seq), atMs: BigInt(r.atMs) })), head, intact };
    }),
    listFirmwareChanges: reading(() => ({ changes: [...viewFirmwareChanges(context)] })),
    listReleases: reading(() => ({ releases: [...viewReleases(context, context.releases.held)], floor: BigInt(context.releases.floor.value) })),
    stageRelease: deciding("admin", async (q, by) => viewRelease(context, await stageRelease(context, new Uint8Array(q.envelope), by))),
    activateRelease: deciding("admin", async (q, by) => viewRelease(context, await activateRelease(context, q.id, by))),
    withdrawRelease: deciding("admin", async (q, by) => viewRelease(context, await withdrawRelease(context, q.id, { by, reason: bounded(q.reason), acceptRisks: q.acceptRisks }))),
    listEkPins: reading(() => ({ pins: viewEkPins(context) })),
    setEkPin: deciding(EK_PIN.needs, (q, by, call) => {
      const { name } = setEkPin(context, readStatement(q.statement), { by, reason: reasonOf(call) });
      const slot = context.trust.slots.get(name);
      if (slot === undefined) throw new HubError("SLOT_UNKNOWN", `this cluster has no slot ${name} any longer`);
      return viewEkPin(context, slot);
    }),
    approve: deciding(APPROVAL.needs, (q, by, call) => viewIdentity(context, approve(context, q.id, readStatement(q.approval), { by, reason: reasonOf(call) }))),
    deny: deciding("approver", (q, by) => viewIdentity(context, deny(context, q.id, { by, reason: bounded(q.reason) }))),
    revoke: deciding("approver", async (q, by) => {
      const { identity, acknowledged, outstanding } = await revoke(context, q.id, { by, reason: bounded(q.reason) });
      return { node: viewIdentity(context, identity), acknowledged: [...acknowledged], outstanding: [...outstanding] };
    }),
    openWindow: deciding("approver", (q, by) => {
      const { seconds, max } = q;
      if (seconds < 1 || seconds > MAX_WINDOW_SECONDS || max < 1 || max > MAX_WINDOW_PLACES) {
        throw new HubError("BAD_REQUEST", `a window is open for 1 to ${MAX_WINDOW_SECONDS} seconds and 1 to ${MAX_WINDOW_PLACES} machines`);
      }
      store.transaction(() => {
        store.windows.open({ nowMs: ports.clock.wallMs(), seconds, max, by: by.name });
        store.audit.append({ actor: `operator:${by.name}`, action: "window-open", subject: "window", detail: `${seconds} s, ${max} machines` });
      });
      return viewWindow(context);
    }),
    closeWindow: deciding("approver", (_q, by) => {
      store.transaction(() => {
        store.windows.close(ports.clock.wallMs());
        store.audit.append({ actor: `operator:${by.name}`, action: "window-close", subject: "window" });
      });
      return viewWindow(context);
    }),
  };
}

/** Throws HubError `NOT_PERMITTED`, and the audit says who tried what (`path`: the method as gRPC names it, from our own service). */
function checkRole(context: HubContext, by: Operator, needs: OperatorRole, path: string): void {
  if (mayDo(by.role, needs)) return;
  const error = new HubError("NOT_PERMITTED", `${by.name} is ${by.role}, and this needs ${needs}`);
  auditRefusal(context, { by: by.name, action: "call", subject: path.slice(path.lastIndexOf("/") + 1) }, error);
  throw error;
}

function handler<Q, R>(answer: (call: Call<Q>) => R | Promise<R>, log: (error: unknown) => void): handleUnaryCall<Q, R> {
  return (call, done) => {
    void (async () => await answer(call))().then(
      (response) => done(null, response),
      (error: unknown) => {
        log(error);
        done(grpcError(error));
      },
    );
  };
}

/** An identity, or the expected slot of that name. */
function viewNamed(context: HubContext, wanted: string): ReturnType<typeof viewIdentity> {
  try {
    return viewIdentity(context, findNode(context, wanted));
  } catch (error) {
    const expected = viewAll(context).find((n) => n.id === "" && n.name === wanted);
    if (error instanceof HubError && error.code === "NOT_FOUND" && expected !== undefined) return expected;
    throw error;
  }
}

function viewWindow(context: HubContext): Window {
  const window = context.store.windows.current(context.ports.clock.wallMs());
  if (window === null) return { open: false, expiresMs: 0n, remaining: 0, openedBy: "" };
  return { open: true, expiresMs: BigInt(window.expiresMs), remaining: window.remaining, openedBy: window.openedBy };
}

function recordedEvidence(context: HubContext, wanted: string) {
  const identity = findNode(context, wanted);
  const stored = context.store.evidence.get(identity.id);
  if (stored === null) throw new HubError("NOT_FOUND", "no evidence of this node was kept");
  const shown = context.store.ekCertificates.get(identity.id);
  const { evidence: e, peerKey, verifier, nonce, expectedSecret, pinnedRole } = stored;
  return {
    ...{ cluster: context.image.cluster, pinnedRole, nonce: asBuffer(nonce), expectedSecret: asBuffer(expectedSecret) },
    ...{ verifier: asBuffer(verifier), peerKey: asBuffer(peerKey), ekPublic: asBuffer(e.ekPublic), akPublic: asBuffer(e.akPublic) },
    ...{ secret: asBuffer(e.secret), quote: asBuffer(e.quote), signature: asBuffer(e.signature), claims: asBuffer(e.claims) },
    ...{ firmwareLog: asBuffer(e.firmwareLog), userspaceLog: asBuffer(e.userspaceLog) },
    ...{ ekCertificate: asBuffer(shown?.certificate ?? new Uint8Array(0)), ekIntermediates: (shown?.intermediates ?? []).filter((part) => part.length > 0).map(asBuffer) },
  };
}

function readStatement(signed: SignedStatement | undefined): OperatorStatement {
  if (signed === undefined) throw new HubError("BAD_REQUEST", "the request holds no signed statement");
  if (signed.envelope.length > MAX_ENVELOPE_BYTES || signed.certificateChain.length > 4) throw new HubError("TOO_LARGE", "the statement is larger than any real one");
  return { envelope: new Uint8Array(signed.envelope), chain: signed.certificateChain.map((der) => new Uint8Array(der)) };
}

function reasonOf(call: Call<unknown>): string {
  const [value] = call.metadata.get(REASON_KEY);
  return value === undefined ? "" : bounded(value.toString());
}

function bounded(reason: string): string {
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES) throw new HubError("TOO_LARGE", `a reason has at most ${MAX_REASON_BYTES} bytes`);
  return reason;
}
