import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Demo } from "./demo.ts";
import { DEMO_HOME } from "./run-demo.ts";

/** Says that a kept cluster runs, which process holds it, and how it is reached. */
const KEPT_FILE = join(DEMO_HOME, "kept.json");
const POLL_MS = 200;
const DOWN_TIMEOUT_MS = 30_000;

interface Kept {
  readonly pid: number;
  readonly hub: string;
}

/**
 * Keeps the cluster until it is told to end. It belongs to a process of its own session, started by {@link startKeeper}:
 * guests die with the process that started them, so nothing can be left behind by accident.
 */
export async function hold(demo: Demo): Promise<void> {
  const kept: Kept = { pid: process.pid, hub: demo.cluster.operatorAddress };
  writeFileSync(KEPT_FILE, JSON.stringify(kept), { mode: 0o600 });
  try {
    await sleep(2 ** 31 - 1, undefined, { signal: demo.signal });
  } catch {
    // Told to end.
  } finally {
    rmSync(KEPT_FILE, { force: true });
  }
}

/** Runs the demo in a session of its own, shows what it says, and returns once the cluster is kept (0) or the demo failed. */
export async function startKeeper(argv: readonly string[], signal: AbortSignal): Promise<number> {
  if (keptCluster() !== null) {
    process.stderr.write("a kept cluster is running already; end it with: npm run demo -- down\n");
    return 4;
  }
  const log = join(DEMO_HOME, "keep.log");
  const fd = openSync(log, "w", 0o600);
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? "", ...argv, "--keeper"], { detached: true, stdio: ["ignore", fd, fd] });
  closeSync(fd);
  let code: number | null = null;
  child.once("exit", (status) => (code = status ?? 1));
  let shown = 0;
  for (;;) {
    const text = await readFile(log, "utf8");
    process.stderr.write(text.slice(shown));
    shown = text.length;
    const kept = keptCluster();
    if (kept !== null) {
      child.unref();
      process.stderr.write(`\nThe cluster keeps running. Reach it with:\n  npx kubedos-hub nodes --hub ${kept.hub} --identity ${join(DEMO_HOME, "operator")}\nEnd it with:\n  npm run demo -- down\n`);
      return 0;
    }
    if (code !== null) return code;
    if (signal.aborted) child.kill("SIGINT");
    await sleep(POLL_MS);
  }
}

/** Ends a kept cluster; 0 also where none was running. */
export async function down(): Promise<number> {
  const kept = keptCluster();
  if (kept === null) {
    process.stderr.write("no kept cluster is running\n");
    return 0;
  }
  process.kill(kept.pid, "SIGTERM");
  for (let waited = 0; alive(kept.pid); waited += POLL_MS) {
    if (waited > DOWN_TIMEOUT_MS) {
      process.stderr.write(`process ${kept.pid} does not end; look at ${join(DEMO_HOME, "keep.log")}\n`);
      return 7;
    }
    await sleep(POLL_MS);
  }
  process.stderr.write("the cluster is down\n");
  return 0;
}

function keptCluster(): Kept | null {
  if (!existsSync(KEPT_FILE)) return null;
  const kept = JSON.parse(readFileSync(KEPT_FILE, "utf8")) as Kept;
  return alive(kept.pid) ? kept : null;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
