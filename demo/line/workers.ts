import { join } from "node:path";
import { alterDisk } from "../altered.ts";
import type { Demo } from "../demo.ts";
import { runInTerminal } from "../programs.ts";

/** Names of the two guests that don't belong: an image altered after the build, and the right one on a foreign TPM. */
export const ALTERED = "altered";
/** See {@link ALTERED}. */
export const LOOKALIKE = "lookalike";

const BOOT_SECONDS = 240;

/** The workers of the spec. */
export function workersOf(demo: Demo): readonly string[] {
  return demo.built.spec.topology.nodes.filter((node) => node.role === "worker").map((node) => node.name);
}

/** Opens the window and boots the two workers, side by side. */
export async function bootWorkers(demo: Demo): Promise<void> {
  await demo.hubJson(["window", "open", "--for", "30m", "--max", "8"]);
  for (const name of workersOf(demo)) await demo.cluster.start(name);
  await Promise.all(
    workersOf(demo).map(async (name) => {
      const node = await demo.untilState(pinnedEk(demo, name), ["pending"], BOOT_SECONDS);
      demo.report.prove(`${name} attested and waits in pending`, node.anchor === "pinned", `id ${node.id}, EK …${node.ekName.slice(-8)}`);
    }),
  );
}

/** Boots the altered image and the lookalike; they go on booting while the workers are approved. */
export async function bootStrangers(demo: Demo): Promise<void> {
  const { releaseDir, keys, tc } = demo.built;
  const [node] = workersOf(demo);
  const out = join(demo.state, "altered.raw");
  await alterDisk(tc, { uki: join(releaseDir, "worker/uki.efi"), disk: join(releaseDir, "worker/disk.qcow2"), keys, out });
  await demo.cluster.start(node ?? "", ALTERED, { disk: { file: out, format: "raw" }, address: "10.100.10.101" });
  await demo.cluster.start(node ?? "", LOOKALIKE, { address: "10.100.10.102" });
}

/** Approves each worker in the real prompt of the real CLI, typing what the pin file says, not what the screen says. */
export async function approveWorkers(demo: Demo): Promise<void> {
  for (const name of workersOf(demo)) await approveNode(demo, name);
}

/** Approves one node that waits, and waits until it is connected. */
export async function approveNode(demo: Demo, name: string): Promise<void> {
  const ekName = pinnedEk(demo, name);
  const node = await demo.untilState(ekName, ["pending"], 10);
  const argv = ["approve", node.id, "--reason", "demo", "--timeout", "60s", ...demo.connection];
  const ended = await runInTerminal(argv, /press Enter to leave it: $/, () => ekName.slice(-8), demo.signal);
  for (const line of ended.stdout.split("\n")) demo.report.say(`  | ${line}`);
  demo.report.prove(`${name} was approved by a signed statement after its EK was compared`, ended.code === 0, `exit code ${ended.code}`);
  await demo.untilState(ekName, ["connected"], 60);
}

/** EK Name in the pin file. */
export function pinnedEk(demo: Demo, name: string): string {
  const ekName = demo.cluster.ekNames.get(name);
  if (ekName === undefined) throw new Error(`${name} was not stamped`);
  return ekName;
}
