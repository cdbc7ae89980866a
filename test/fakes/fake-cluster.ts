import type { Finding, Node } from "../../proto/gen/kubedos/v1/admin.ts";
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
};

const booted = { release: "1a2b3c4d5e6f7788", releaseGeneration: 3n, phase: "kubedos-agent" };

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
  what: "content of UKI section .osrel",
  expected: "5f".repeat(32),
  found: "c0".repeat(32),
  cause: "Another os-release was put into the image after the release was made.",
};

/** A fresh state for one test. */
export function clusterState(): FakeState {
  return {
    nodes: CLUSTER.map((n) => ({ ...n })),
    findings: { ee00112233445566: [FINDING] },
    evidence: {},
    window: { open: true, expiresMs: BigInt(FAKE_NOW + 600_000), remaining: 2, openedBy: "alice" },
    audit: [
      { seq: 1n, atMs: ago(600), actor: "alice", action: "window.open", subject: "demo", code: "", detail: "600 s, 4 identities", hash: "11".repeat(32) },
      { seq: 2n, atMs: ago(44), actor: "hub", action: "reject", subject: "ee00112233445566", code: "PCR_MISMATCH", detail: "PCR 11 differs from release 1a2b3c4d5e6f7788", hash: "22".repeat(32) },
    ],
    auditIntact: true,
    acknowledged: ["w-1", "master-1"],
    outstanding: [],
    afterApproval: ["approved", "connected"],
    calls: [],
    approvals: [],
    fail: undefined,
    silent: false,
  };
}
