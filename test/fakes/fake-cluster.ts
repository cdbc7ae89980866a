import type { Finding, Node } from "../../proto/gen/kubedos/v1/admin.ts";
import { firmwareChangeId } from "../../proto/release/firmware.ts";
import { FAKE_NOW, type FakeState } from "./fake-hub.ts";

const ago = (seconds: number) => BigInt(FAKE_NOW - seconds * 1000);
const ek = (digit: string, tail: string) => `000b${digit.repeat(56)}${tail}`;

const blank: Node = {
  id: "",
  name: "",
  role: "worker",
  state: "expected",
  ekName: "",
  anchor: "pinned",
  generation: 1n,
  release: "",
  releaseGeneration: 0n,
  phase: "",
  planes: {},
  attached: false,
  code: "",
  message: "",
  firstSeenMs: 0n,
  stateSinceMs: 0n,
  claimedSlot: "",
  serialHub: 0n,
  serialApplied: 0n,
  cluster: "demo",
  ekCertificate: "",
  ekCertificateText: "",
  firmware: {},
  firmwareBefore: {},
  firmwareChange: "",
  eligible: false,
};

/** PCR 0–3 as every good machine of this cluster has them, and as two have them after an update. */
const firmware = { "0": "a0".repeat(32), "1": "a1".repeat(32), "2": "a2".repeat(32), "3": "a3".repeat(32) };
const updated = { ...firmware, "0": "b0".repeat(32), "1": "b1".repeat(32) };
const booted = { release: "1a2b3c4d5e6f7788", releaseGeneration: 3n, phase: "kubedos-agent", firmware };

/** Nodes as they stand in the middle of the demo: a master, two waiting workers, a lookalike, an altered guest, an empty slot. */
export const CLUSTER: readonly Node[] = [
  {
    ...blank,
    ...booted,
    id: "aa00112233445566",
    name: "master-1",
    role: "master",
    state: "connected",
    ekName: ek("a", "0a0a0a0a"),
    phase: "kubedos-admitted",
    planes: { wg1: "10.78.0.1/32", wg2: "10.79.0.1/32", wg3: "10.80.0.1/32" },
    attached: true,
    firstSeenMs: ago(7320),
    stateSinceMs: ago(7300),
    claimedSlot: "master-1",
    serialHub: 4n,
    serialApplied: 4n,
  },
  { ...blank, ...booted, id: "bb00112233445566", name: "w-1", state: "pending", ekName: ek("b", "1b1b1b1b"), firstSeenMs: ago(192), stateSinceMs: ago(190), claimedSlot: "w-1" },
  { ...blank, ...booted, id: "cc00112233445566", name: "w-2", state: "pending", ekName: ek("c", "2c2c2c2c"), firstSeenMs: ago(180), stateSinceMs: ago(178), claimedSlot: "w-2" },
  { ...blank, ...booted, id: "dd00112233445566", state: "unanchored", anchor: "none", ekName: ek("d", "3d3d3d3d"), firstSeenMs: ago(61), stateSinceMs: ago(60), claimedSlot: "w-1" },
  {
    ...blank,
    id: "ee00112233445566",
    name: "w-3",
    state: "rejected",
    ekName: ek("e", "4e4e4e4e"),
    code: "PCR_MISMATCH",
    message: "PCR 11 differs from release 1a2b3c4d5e6f7788",
    firstSeenMs: ago(45),
    stateSinceMs: ago(44),
    claimedSlot: "w-3",
  },
  { ...blank, name: "w-10" },
];

/** What the altered guest differs in. */
export const FINDING: Finding = {
  code: "PCR_MISMATCH",
  pcr: 11,
  index: 5,
  eventType: "EV_IPL",
  field: "",
  what: "content of UKI section .osrel",
  expected: "5f".repeat(32),
  found: "c0".repeat(32),
  cause: "Another os-release was put into the image after the release was made.",
};

const FIRMWARE_FINDINGS: readonly Finding[] = [
  { code: "FIRMWARE_CHANGED", pcr: 0, index: 0, eventType: "EV_S_CRTM_VERSION", field: "", what: "firmware version: 1.7", expected: `${"17".repeat(32)} (firmware version 1.7)`, found: `${"18".repeat(32)} (firmware version 1.8)`, cause: "The firmware was updated." },
  { code: "FIRMWARE_CHANGED", pcr: 1, index: 3, eventType: "EV_EFI_VARIABLE_BOOT", field: "", what: "boot order: UEFI variable BootOrder", expected: `${"01".repeat(32)} (UEFI variable BootOrder)`, found: `${"02".repeat(32)} (UEFI variable BootOrder)`, cause: "Boot order, hardware or firmware settings changed." },
];

function failed(digit: string, name: string, changes: Partial<Node> = {}): Node {
  const shown = { firmware: updated, firmwareBefore: firmware, firmwareChange: "firmware version (PCR 0), boot order (PCR 1)", eligible: true };
  const because = { code: "FIRMWARE_CHANGED", message: "The firmware differs from the one recorded at this machine's approval." };
  return { ...blank, ...booted, id: `${digit}${digit}00112233445566`, name, state: "quarantined", ekName: ek(digit, `${digit}a`.repeat(4)), ...because, ...shown, firstSeenMs: ago(90_000), stateSinceMs: ago(300), ...changes };
}

/** The same cluster after an update of the firmware: three workers and a machine without a slot have it, one worker has another, and one only fails. */
export function updatedCluster(): FakeState {
  const otherFirmware = { ...firmware, "2": "c2".repeat(32) };
  const other = failed("9", "w-8", { firmware: otherFirmware, firmwareChange: "option ROM (PCR 2)" });
  const waiting = [failed("6", "w-4"), failed("7", "w-5"), failed("8", "w-6", { releaseGeneration: 2n }), failed("4", "", { anchor: "none" })];
  const still = failed("5", "w-7", { code: "LOG_MISMATCH", message: "The logs don't add up.", eligible: false, firmware: {}, firmwareBefore: {}, firmwareChange: "" });
  const before = clusterState();
  const [optionRom] = FIRMWARE_FINDINGS.map((f) => ({ ...f, pcr: 2, index: 1, what: "option ROM: a network card's" }));
  return {
    ...before,
    nodes: [...before.nodes, ...waiting, other, still],
    findings: { ...before.findings, ...Object.fromEntries(waiting.map((n) => [n.id, [...FIRMWARE_FINDINGS]])) },
    firmwareChanges: [
      { id: firmwareChangeId(firmware, updated), from: firmware, to: updated, summary: waiting[0]?.firmwareChange ?? "", findings: [...FIRMWARE_FINDINGS], nodes: waiting },
      { id: firmwareChangeId(firmware, otherFirmware), from: firmware, to: otherFirmware, summary: other.firmwareChange, findings: optionRom === undefined ? [] : [optionRom], nodes: [other] },
    ],
  };
}

/** A fresh state for one test. */
export function clusterState(): FakeState {
  return {
    nodes: CLUSTER.map((n) => ({ ...n })),
    findings: { ee00112233445566: [FINDING] },
    evidence: {},
    ekPins: [
      { slot: "master-1", role: "master", ekName: ek("a", "0a0a0a0a"), source: "delivery", operator: "", issuedAtMs: 0n, node: "aa00112233445566" },
      { slot: "w-1", role: "worker", ekName: ek("b", "1b1b1b1b"), source: "operator", operator: "alice", issuedAtMs: ago(400), node: "bb00112233445566" },
      { slot: "w-9", role: "worker", ekName: "", source: "", operator: "bob", issuedAtMs: ago(90), node: "" },
      { slot: "w-10", role: "worker", ekName: "", source: "", operator: "", issuedAtMs: 0n, node: "" },
    ],
    pinned: [],
    firmwareChanges: [],
    releases: [
      { id: "0a0b0c0d0e0f1011", generation: 2n, state: "withdrawn", roles: ["master", "worker"], reason: "CVE in its kernel", sinceMs: ago(3000), nodes: [] },
      { id: "1a2b3c4d5e6f7788", generation: 3n, state: "current", roles: ["master", "worker"], reason: "", sinceMs: ago(7400), nodes: ["master-1", "w-1", "w-2"] },
      { id: "2b3c4d5e6f708192", generation: 4n, state: "staged", roles: ["master", "worker"], reason: "", sinceMs: ago(120), nodes: [] },
    ],
    floor: 3n,
    window: { open: true, expiresMs: BigInt(FAKE_NOW + 600_000), remaining: 2, openedBy: "alice" },
    audit: [
      { seq: 1n, atMs: ago(600), actor: "alice", action: "window.open", subject: "demo", code: "", detail: "600 s, 4 identities", hash: "11".repeat(32) },
      { seq: 2n, atMs: ago(44), actor: "hub", action: "reject", subject: "ee00112233445566", code: "PCR_MISMATCH", detail: "PCR 11 differs from release 1a2b3c4d5e6f7788", hash: "22".repeat(32) },
    ],
    auditIntact: true,
    acknowledged: ["w-1", "master-1"],
    outstanding: [],
    afterApproval: ["approved", "connected", "applied"],
    calls: [],
    approvals: [],
    fail: undefined,
    silent: false,
  };
}
