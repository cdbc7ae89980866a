import { globSync, mkdtempSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Demo } from "./demo.ts";
import { errorChain } from "../proto/wire/error-chain.ts";
import { LINE } from "./line.ts";
import { renderResult, Reporter } from "./report.ts";

const root = new URL("..", import.meta.url).pathname;

/** Where keys, operator and releases of the demo are; `down` leaves them, deleting the folder forgets them. */
export const DEMO_HOME = join(root, ".demo");

/** What the command line asked for. */
export interface DemoOptions {
  readonly json: boolean;
  readonly specFile: string;
  readonly signal: AbortSignal;
  /** Called after each phase that held. */
  readonly after?: (phase: string, demo: Demo) => Promise<void>;
  /** Called with everything still running, before it is ended. */
  readonly hold?: (demo: Demo) => Promise<void>;
}

/** Runs the line; ends every guest whatever happens. Gives the exit code: 0 only if everything held. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const report = new Reporter();
  // Sockets live in it, whose paths may have 107 bytes: so not under the checkout.
  const state = mkdtempSync(join(tmpdir(), "kubedos-demo-"));
  const demo = new Demo({ report, signal: options.signal, home: DEMO_HOME, state, specFile: options.specFile });
  const { result } = report;
  let failed = "";
  try {
    for (const phase of LINE) {
      await report.phase(phase.name, phase.title, () => phase.run(demo));
      await options.after?.(phase.name, demo);
    }
    result.ok = result.proofs.length > 0 && result.proofs.every((proof) => proof.held);
  } catch (error) {
    failed = options.signal.aborted ? "stopped" : errorChain(error);
  }
  try {
    result.seconds["total"] = report.elapsed();
    if (failed === "") process.stdout.write(renderResult(result));
    else report.say(`the demo did not come to its end: ${failed}`);
    if (failed !== "" && !options.signal.aborted) report.say(`consoles of the guests: ${await saveLogs(state)}`);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (result.ok) await options.hold?.(demo);
  } finally {
    await demo.stop();
    rmSync(state, { recursive: true, force: true });
  }
  return result.ok ? 0 : options.signal.aborted ? 130 : 1;
}

/** Keeps what the guests said when the demo failed; the run's own folder goes. */
async function saveLogs(state: string): Promise<string> {
  const out = join(DEMO_HOME, "last-failure");
  rmSync(out, { recursive: true, force: true });
  for (const log of globSync("*/{serial,qemu}.log", { cwd: state })) await cp(join(state, log), join(out, log));
  return out;
}
