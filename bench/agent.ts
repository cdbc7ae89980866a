import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectDir } from "../builder/release/source-digest.ts";
import { AGENT, compileProgram } from "../builder/release/compile-program.ts";
import { defaultCacheDir, ensureToolchain } from "../builder/toolchain/ensure-toolchain.ts";
import { toolchainArgv } from "../builder/toolchain/toolchain-argv.ts";
import type { AgentSamples, AgentStage } from "./agent-stage.ts";
import { type Figure, round } from "./figure.ts";
import { GOALS } from "./goals.ts";

const RUNS = 24;

/**
 * From the start of the agent's process, as its unit starts it, to the evidence's arrival at a hub on the same machine: the image's
 * executable, the real nft and ip in a network of their own, swtpm. Everything runs in the toolchain tree, one start of each in turn.
 */
export async function benchAgent(): Promise<readonly Figure[]> {
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const [tc, { path: agent }] = [await ensureToolchain(defaultCacheDir, report), await compileProgram(AGENT, defaultCacheDir, report)];
  const dir = mkdtempSync(join(tmpdir(), "kubedos-bench-"));
  try {
    const stage: AgentStage = { agent, env: unitEnvironment(), dir, runs: RUNS };
    const argv = toolchainArgv(tc, [process.execPath, join(projectDir, "bench/agent-stage.ts"), JSON.stringify(stage)], { binds: [dir], readBinds: [projectDir] });
    const [file, ...args] = argv;
    const { stdout } = await promisify(execFile)(file, args, { timeout: 120_000 });
    const samples = JSON.parse(stdout) as AgentSamples;
    const [quote, bare, tools] = [samples.agent, samples.bare, samples.tools].map(quarter);
    const figure = { name: "agent: process start → evidence at the hub", unit: "ms", figure: round(quote ?? NaN), kind: "measured" } as const;
    return [
      { ...figure, goal: GOALS.agent.quoteMs, reference: round(tools ?? NaN), referenceName: "tpm2_createek, tpm2_createak and tpm2_quote alone" },
      { ...figure, goal: null, reference: round(bare ?? NaN), referenceName: "the same executable doing nothing" },
    ];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What the unit sets: without a JIT, as in the image. */
function unitEnvironment(): Readonly<Record<string, string>> {
  const unit = readFileSync(join(projectDir, "systemd/kubedos-agent.service"), "utf8");
  return Object.fromEntries([...unit.matchAll(/^Environment=(\w+)=(\S*)$/gm)].map((m) => [m[1] ?? "", m[2] ?? ""]));
}

/** The lower quartile: a start is too short for what else this host does to cancel out, and it only ever takes longer by it. */
function quarter(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2] ?? Number.NaN;
}
