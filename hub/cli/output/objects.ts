import type { AuditRow, EkPin, ExplainResponse, Finding, FirmwareChange, HeldRelease, ListAuditResponse, Node, RevokeResponse, Window } from "../../../proto/gen/kubedos/v1/admin.ts";
import type { ApiObject } from "./view.ts";

/** The shapes below are a promise (test/golden/cli): fields are added, never renamed, moved or removed. */
const apiVersion = "kubedos/v1";

/** A node as admin.proto has it; u64 and times in milliseconds are plain JSON numbers, map keys are sorted. */
export interface NodeObject extends ApiObject {
  readonly kind: "Node";
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly ekName: string;
  readonly anchor: string;
  readonly generation: number;
  readonly release: string;
  readonly releaseGeneration: number;
  readonly phase: string;
  readonly planes: Readonly<Record<string, string>>;
  readonly attached: boolean;
  readonly code: string;
  readonly message: string;
  readonly firstSeenMs: number;
  readonly stateSinceMs: number;
  readonly claimedSlot: string;
  readonly serialHub: number;
  readonly serialApplied: number;
  readonly cluster: string;
  /** Empty: no certificate was shown; GOOD; or a code. */
  readonly ekCertificate: string;
  readonly ekCertificateText: string;
  /** PCR 0–3 by number, hex: of the last good evidence, and as the approval recorded them where they differ. */
  readonly firmware: Readonly<Record<string, string>>;
  readonly firmwareBefore: Readonly<Record<string, string>>;
  readonly firmwareChange: string;
  /** Quarantined, and an operator may approve it anew. */
  readonly eligible: boolean;
}

/** Node message → object. */
export function nodeObject(n: Node): NodeObject {
  return {
    apiVersion,
    kind: "Node",
    id: n.id,
    name: n.name,
    role: n.role,
    state: n.state,
    ekName: n.ekName,
    anchor: n.anchor,
    generation: number(n.generation),
    release: n.release,
    releaseGeneration: number(n.releaseGeneration),
    phase: n.phase,
    planes: sorted(n.planes),
    attached: n.attached,
    code: n.code,
    message: n.message,
    firstSeenMs: number(n.firstSeenMs),
    stateSinceMs: number(n.stateSinceMs),
    claimedSlot: n.claimedSlot,
    serialHub: number(n.serialHub),
    serialApplied: number(n.serialApplied),
    cluster: n.cluster,
    ekCertificate: n.ekCertificate,
    ekCertificateText: n.ekCertificateText,
    firmware: sorted(n.firmware),
    firmwareBefore: sorted(n.firmwareBefore),
    firmwareChange: n.firmwareChange,
    eligible: n.eligible,
  };
}

/** A list under one object; `kind` is the items' kind with "List". */
export function listObject<T extends ApiObject>(kind: string, items: readonly T[]): ApiObject & { readonly items: readonly T[] } {
  return { apiVersion, kind, items };
}

/** A finding. `pcr` and `index` are null where no PCR or no single event is meant, `field` says then what is; `eventType` where the event's isn't known. */
export interface FindingObject {
  readonly code: string;
  readonly pcr: number | null;
  readonly index: number | null;
  readonly eventType: string | null;
  readonly field: string | null;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly cause: string;
}

/** Finding message → object. A number that no PCR and no event can have counts as none. */
export function findingObject(f: Finding): FindingObject {
  const some = (v: number | undefined, below: number): number | null => (v !== undefined && Number.isInteger(v) && v >= 0 && v < below ? v : null);
  return {
    code: f.code,
    pcr: some(f.pcr, 24),
    index: some(f.index, 0xffff_ffff),
    eventType: f.eventType || null,
    field: f.field || null,
    what: f.what,
    expected: f.expected,
    found: f.found,
    cause: f.cause,
  };
}

/** Why a node is where it is. */
export interface ExplanationObject extends ApiObject {
  readonly kind: "Explanation";
  readonly node: NodeObject | null;
  readonly findings: readonly FindingObject[];
  /** Why its TPM's certificate anchors nobody. */
  readonly anchorFindings: readonly FindingObject[];
  readonly next: string | null;
}

/** Explain response and the recommended next command → object. */
export function explanationObject(r: ExplainResponse, next: string | null): ExplanationObject {
  return {
    apiVersion,
    kind: "Explanation",
    node: r.node === undefined ? null : nodeObject(r.node),
    findings: r.findings.map(findingObject),
    anchorFindings: r.anchorFindings.map(findingObject),
    next,
  };
}

/** One code in words. */
export function codeObject(code: string, t: { readonly text: string; readonly cause: string; readonly next: string }): ApiObject {
  return { apiVersion, kind: "Code", ...{ code, text: t.text, cause: t.cause, next: t.next } };
}

/** Window message → object. */
export function windowObject(w: Window): ApiObject & Record<string, unknown> {
  return { apiVersion, kind: "Window", open: w.open, expiresMs: number(w.expiresMs), remaining: w.remaining, openedBy: w.openedBy };
}

/** EkPin message → object. */
export function ekPinObject(p: EkPin): ApiObject & Record<string, unknown> {
  const { slot, role, ekName, source, operator, node } = p;
  return { apiVersion, kind: "EkPin", slot, role, ekName, source, operator, issuedAtMs: number(p.issuedAtMs), node };
}

/** Revoke response → object. */
export function revocationObject(r: RevokeResponse): ApiObject & Record<string, unknown> {
  return {
    apiVersion,
    kind: "Revocation",
    node: r.node === undefined ? null : nodeObject(r.node),
    acknowledged: [...r.acknowledged].sort(),
    outstanding: [...r.outstanding].sort(),
  };
}

/** One audit row. */
export interface AuditRowObject extends ApiObject {
  readonly kind: "AuditRow";
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly code: string;
  readonly detail: string;
  readonly hash: string;
}

/** AuditRow message → object. */
export function auditRowObject(r: AuditRow): AuditRowObject {
  return {
    apiVersion,
    kind: "AuditRow",
    seq: number(r.seq),
    atMs: number(r.atMs),
    actor: r.actor,
    action: r.action,
    subject: r.subject,
    code: r.code,
    detail: r.detail,
    hash: r.hash,
  };
}

/** Audit response → object. */
export function auditListObject(r: ListAuditResponse): ApiObject & { readonly items: readonly AuditRowObject[] } & Record<string, unknown> {
  return { ...listObject("AuditRowList", r.rows.map(auditRowObject)), head: r.head, intact: r.intact };
}

/** One distinct change of firmware with the nodes that wait with it. */
export function firmwareChangeObject(c: FirmwareChange): ApiObject & Record<string, unknown> {
  const { id, summary } = c;
  return { apiVersion, kind: "FirmwareChange", id, summary, from: sorted(c.from), to: sorted(c.to), findings: c.findings.map(findingObject), nodes: c.nodes.map(nodeObject) };
}

/** What became of one node of many. */
export interface NodeOutcome {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** Why nothing was decided about it; else empty. */
  readonly code: string;
  readonly message: string;
}

/** One decision about one change of firmware. */
export function firmwareAcceptanceObject(change: string, firmware: string, nodes: readonly NodeOutcome[]): ApiObject & Record<string, unknown> {
  return { apiVersion, kind: "FirmwareAcceptance", change, firmware, nodes };
}

/** HeldRelease message → object. */
export function releaseObject(r: HeldRelease): ApiObject & Record<string, unknown> {
  const { id, state, roles, reason, nodes } = r;
  return { apiVersion, kind: "Release", id, generation: number(r.generation), state, roles: [...roles], reason, sinceMs: number(r.sinceMs), nodes: [...nodes].sort() };
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Generations, serials and times of real hubs stay far below 2^53; what doesn't is clamped, so that output stays JSON. */
function number(v: bigint): number {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(v > max ? max : v < -max ? -max : v);
}
