import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import t from "tap";
import { RECORDING_DIR } from "./recording.ts";
import type { ReplayResult } from "./run-replay.ts";

t.setTimeout(300_000);

const root = new URL("../..", import.meta.url).pathname;
/** It takes ten by itself; this is for a machine that has other work. */
const LIMIT_SECONDS = 90;
const NOBODY = { uid: 65534, gid: 65534 };
const path = process.env["PATH"] ?? "";

const dir = mkdtempSync(join(tmpdir(), "kubedos-replayed-"));
t.teardown(() => rmSync(dir, { recursive: true }));
chmodSync(dir, 0o755);
const scratch = join(dir, "tmp");
mkdirSync(scratch);
chmodSync(scratch, 0o1777);

/** A replay needs no privilege, so it is run without any where this test could give some up and the checkout can be read by others. */
const user = process.getuid?.() === 0 && readableByNobody() ? NOBODY : {};
t.comment(`replays run as uid ${"uid" in user ? user.uid : process.getuid?.()}`);

function readableByNobody(): boolean {
  const may = (flag: string, file: string) => spawnSync("/usr/bin/test", [flag, file], NOBODY).status === 0;
  return may("-x", process.execPath) && may("-r", join(root, "scripts/demo.ts")) && may("-r", join(RECORDING_DIR, "facts.json"));
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  readonly result: ReplayResult;
}

/** `npm run demo -- --replay --json` as scripts/run hands it over, in an environment of its own. */
async function replay(argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const at = performance.now();
  // By env(1), because tap adds variables to a child's environment that make it write into the checkout.
  const variables = Object.entries({ PATH: path, TMPDIR: scratch, ...env }).map(([name, value]) => `${name}=${value}`);
  const command = [process.execPath, "scripts/demo.ts", "--replay", "--json", ...argv];
  const child = spawn("/usr/bin/env", ["-i", ...variables, ...command], { cwd: root, ...user, stdio: ["ignore", "pipe", "pipe"], timeout: 150_000 });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  return { code, stdout, stderr, seconds: (performance.now() - at) / 1000, result: JSON.parse(last) as ReplayResult };
}

t.test("pending, approve, explain and inspect on recorded evidence", async (t) => {
  const { code, stdout, stderr, seconds, result } = await replay();
  t.equal(code, 0, stderr);
  for (const { what, held, detail } of result.proofs) t.ok(held, `${what} (${detail})`);
  t.match(result, { ok: true, replay: true, recordedAt: /^\d{4}-\d\d-\d\dT/ });
  t.ok(seconds < LIMIT_SECONDS, `it took ${seconds.toFixed(1)} s`);
  for (const words of ["pending", "approve worker-1", "explain", "inspect evidence", "inspect eventlog", "nodes"]) t.ok(stdout.includes(`$ bin/kubedos-hub ${words} `), words);
  const lines = stdout.trimEnd().split("\n");
  t.match(lines[0], /^This is a REPLAY\. The evidence was recorded from our own guests on \d{4}-\d\d-\d\d /);
  t.match(lines.at(-2), /^This was a REPLAY of recorded evidence: nothing was booted/);
  t.same(result.rejected.map((r) => r.pcr).sort(), [11, 4]);
  t.equal(result.unanchored.length, 1);
  t.match(result.nodes.find((node) => node.name === "worker-1"), { state: "connected", planes: { wg1: false, wg2: false, wg3: false } }, "no plane is claimed");
  t.same(readdirSync(scratch), [], "nothing is left behind");
});

t.test("a recording that was touched is not played to its end", async (t) => {
  const spoil = (name: string, field: string, change: (data: Uint8Array) => void): readonly string[] => {
    const folder = mkdtempSync(join(dir, "spoiled-"));
    chmodSync(folder, 0o755);
    cpSync(RECORDING_DIR, folder, { recursive: true });
    const file = join(folder, name);
    const value = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
    const data = Buffer.from(value[field] ?? "", "base64");
    change(data);
    writeFileSync(file, JSON.stringify({ ...value, [field]: data.toString("base64") }));
    return ["--recording", folder];
  };
  const flip = (data: Uint8Array): void => {
    data.set([(data[data.length >> 1] ?? 0) ^ 1], data.length >> 1);
  };
  const cases: readonly [string, readonly string[], RegExp][] = [
    ["one byte of worker-1's firmware log", spoil("worker-1.json", "firmwareLog", flip), /FAILED: worker-1's evidence is judged as in the recorded run: pending \(rejected BINDING_WRONG\)/],
    ["one byte of the lookalike's userspace log", spoil("lookalike.json", "userspaceLog", flip), /FAILED: lookalike's evidence .* \(rejected BINDING_WRONG\)/],
    ["one byte of the altered machine's quote", spoil("altered.json", "quote", flip), /FAILED: altered's evidence .* \(rejected SIGNATURE_WRONG\)/],
    ["one byte of the release", spoil("release.json", "payload", flip), /no signature of a trusted key/],
  ];
  for (const [name, argv, words] of cases) {
    const { code, stderr, result } = await replay(argv);
    t.equal(code, 1, name);
    t.match(result, { ok: false, replay: true }, name);
    t.match(stderr, words, name);
  }
  t.same(readdirSync(scratch), [], "nothing is left behind");
});

t.test("where script(1) is missing, one sentence says so", async (t) => {
  const bin = join(dir, "bin");
  mkdirSync(bin);
  for (const name of ["sh", "readlink", "dirname"]) {
    const found = path.split(delimiter).map((folder) => spawnSync("/usr/bin/test", ["-x", join(folder, name)]).status === 0 ? join(folder, name) : "").find((file) => file !== "");
    symlinkSync(found ?? "", join(bin, name));
  }
  const { code, stderr, result } = await replay([], { PATH: bin });
  t.equal(code, 1);
  t.equal(result.ok, false);
  t.match(stderr, /the replay needs script of util-linux \(Debian package bsdutils\)\n$/);
});
