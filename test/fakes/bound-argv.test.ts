import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import t from "tap";
import { until } from "./live-node.ts";
import { defaultCacheDir, ensureToolchain } from "../../builder/toolchain/ensure-toolchain.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-bound-"));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const here = (path: string): string => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));

/** Processes whose arguments hold this test's folder, without the parent itself. */
function mine(parent: number | undefined): number[] {
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return all.filter((pid) => pid !== process.pid && pid !== parent && argumentsOf(pid).includes(dir));
}

/** Empty for one that is gone, or is waited for. */
function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

/** Runs a module that starts children and says "up", kills it without mercy, and tells how many there were, and whether they ended with it. */
async function killParentOf(code: string, started: number, withinMs = 15_000): Promise<{ readonly before: number; readonly gone: boolean }> {
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", `${code}; console.log("up"); setInterval(() => {}, 1000);`], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: parent.stdout })) if (line === "up") break;
  // All of them, and each as what it is to be: who dies in the very moment of a start isn't meant here.
  const wrapped = (pid: number): boolean => /^(setpriv|bwrap)\0/.test(argumentsOf(pid));
  await until("the children", () => mine(parent.pid).filter((pid) => !wrapped(pid)).length === started);
  const before = mine(parent.pid).length;
  parent.kill("SIGKILL");
  await once(parent, "exit");
  const gone = await until("their end", () => mine(parent.pid).length === 0, withinMs).then(() => true, () => false);
  for (const pid of mine(parent.pid)) process.kill(pid, "SIGKILL");
  return { before, gone };
}

t.test("a test's swtpm ends with its test, however that one ends", async (t) => {
  const code = `const { startSwtpm } = await import(${here("../swtpm/start-swtpm.ts")}); await startSwtpm({ stateDir: ${JSON.stringify(dir)} })`;
  t.same(await killParentOf(code, 1), { before: 1, gone: true });
});

t.test("guests and their vTPMs end with the process that started them", async (t) => {
  const tc = await ensureToolchain(defaultCacheDir, () => undefined);
  const log = JSON.stringify(join(dir, "log"));
  const request = { stateDir: join(dir, "tpm"), mode: "qemu", socket: join(dir, "tpm.sock"), logFile: join(dir, "log") };
  const code = `
    const { Child } = await import(${here("../../builder/guest/child.ts")});
    const { startSwtpm } = await import(${here("../../builder/guest/swtpm.ts")});
    const { toolchainArgv } = await import(${here("../../builder/toolchain/toolchain-argv.ts")});
    const tc = ${JSON.stringify(tc)};
    await startSwtpm(tc, ${JSON.stringify(request)});
    new Child("QEMU", toolchainArgv(tc, ["qemu-system-x86_64", "-name", ${JSON.stringify(dir)}, "-machine", "none", "-display", "none", "-S"], { network: true }), ${log});`;
  // Each with the bubblewrap that watches it.
  t.same(await killParentOf(code, 2), { before: 4, gone: true });
});

t.test("a command that isn't wrapped would stay", async (t) => {
  const code = `const { spawn } = await import("node:child_process"); spawn("sleep", ["60"], { argv0: ${JSON.stringify(dir)}, stdio: "ignore" })`;
  t.same(await killParentOf(code, 1, 500), { before: 1, gone: false }, "so what is shown above is the wrappers' work");
});
