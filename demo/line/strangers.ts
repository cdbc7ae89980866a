import type { Demo } from "../demo.ts";
import type { NodeObject } from "../../hub/cli/output/objects.ts";
import { ALTERED, LOOKALIKE } from "./workers.ts";

interface Explanation {
  readonly findings: readonly { readonly code: string; readonly pcr: number | null; readonly what: string; readonly expected: string; readonly found: string }[];
}

const BOOT_SECONDS = 240;

/** The altered image is rejected, and `explain` says which event of which PCR differs, expected and found, in words. */
export async function proveRejected(demo: Demo): Promise<void> {
  const node = await untilSeen(demo, ALTERED, "rejected");
  demo.report.prove("the image altered after the build is rejected, though signed with the same db key", node.state === "rejected", node.code);
  const words = await demo.hub(["explain", node.id]);
  for (const line of words.stdout.split("\n")) demo.report.say(`  | ${line}`);
  const { findings } = await demo.hubJson<Explanation>(["explain", node.id]);
  for (const { pcr, expected, found, what } of findings) {
    if (pcr !== null) demo.report.result.rejected.push({ reason: `${node.code}: ${what}`, pcr, expected, found });
  }
  const osrel = findings.some((finding) => finding.pcr === 11 && /\.?osrel|os-release|OS release/i.test(`${finding.what} ${finding.found}`));
  demo.report.prove("explain names PCR 4 (the UKI) and PCR 11 (its os-release section)", osrel && findings.some((finding) => finding.pcr === 4));
}

/** The right image on a TPM that nobody stamped: unanchored, said in words, and no plain approval takes it. */
export async function proveUnanchored(demo: Demo): Promise<void> {
  const node = await untilSeen(demo, LOOKALIKE, "unanchored");
  demo.report.result.unanchored.push({ id: node.id });
  const pending = await demo.hub(["pending"]);
  for (const line of pending.stdout.split("\n")) demo.report.say(`  | ${line}`);
  demo.report.prove("the lookalike stands in pending as unanchored, with the warning in words", pending.stdout.includes(node.id.slice(0, 8)) && /unanchored/i.test(pending.stdout));
  const refused = await demo.hub(["approve", node.id, "--ek-name", node.ekName, "--slot", "worker-1", "--no-wait"]);
  demo.report.prove("a plain approval of the lookalike is refused", refused.code === 8 && /UNANCHORED/.test(refused.stderr), `exit code ${refused.code}`);
  const after = (await demo.nodes()).find((n) => n.id === node.id);
  demo.report.prove("and it is still outside", after?.state === "unanchored" && Object.keys(after.planes).length === 0);
}

/** A machine of ours whose EK nobody pinned: found by what its own guest says, then by the hub's word on that EK. */
async function untilSeen(demo: Demo, name: string, state: string): Promise<NodeObject> {
  const ekName = await demo.until(`${name} to show its EK`, BOOT_SECONDS, async () => (await demo.status(name))?.ekName ?? null);
  return await demo.untilState(ekName, [state], 60);
}
