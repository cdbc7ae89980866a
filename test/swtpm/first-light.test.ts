import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import { PATHS } from "../../agent/paths.ts";
import { buildSea } from "../../builder/compile/build-sea.ts";
import { AGENT, compileProgram } from "../../builder/release/compile-program.ts";
import { defaultCacheDir } from "../../builder/toolchain/ensure-toolchain.ts";
import { signedStatement, unary } from "../fakes/admin-client.ts";
import { AgentMachine, type AgentProgram } from "../fakes/agent-machine.ts";
import { HUB_PROCESS, HubChild } from "../fakes/hub-child.ts";
import { HubWorld } from "../fakes/hub-world.ts";
import { LiveNode, until } from "../fakes/live-node.ts";
import { TestMachine } from "../fakes/test-agent.ts";

t.setTimeout(120_000);

// Hub, agent and TPM in one process tree, all of them real: the agent is the program, attached to the hub's own process.
// Only the kernel is played, by stand-ins for `nft`, `ip` and `wg` that keep what they are told.

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "kubedos-first-light-"));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

const unitText = (name: string): string => readFileSync(path(`../../systemd/${name}.service`), "utf8");
/** What a unit sets for its program. */
const unitEnv = Object.fromEntries([...unitText("kubedos-agent").matchAll(/^Environment=(\w+)=(\S*)$/gm)].map((m) => [m[1] ?? "", m[2] ?? ""]));
/** What a unit takes out of its program's environment. */
const unset = (name: string): readonly string[] => /^UnsetEnvironment=(.+)$/m.exec(unitText(name))?.[1]?.split(" ") ?? [];

const sea = join(dir, "kubedos-agent-sea");
const [{ path: bun }] = await Promise.all([
  compileProgram(AGENT, defaultCacheDir, () => undefined),
  buildSea(path("../../agent/main.ts"), sea, join(dir, "sea")),
]);
const env = { ...unitEnv, TMPDIR: dir };
const PROGRAMS = {
  "Node sources": { command: [process.execPath, path("../../agent/main.ts")], env },
  "bun executable": { command: [bun], env },
  "Node SEA executable": { command: [sea], env },
} as const satisfies Record<string, AgentProgram>;

const world = await HubWorld.make();
const workerImage = { ...world.image, role: "worker", hub: false };
const master = await TestMachine.boot({ role: "master", hint: JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } }) });
world.pin("master", master.ekName);
world.approvals = [world.approval(master.ekName, "master")];
const cases: { name: string; slot: string; program: AgentProgram; machine: AgentMachine }[] = [];
const hub = new HubChild(world, [process.execPath, HUB_PROCESS]);
let node: LiveNode | null = null;
let over = false;
let acknowledging: Promise<void> = Promise.resolve();
t.teardown(async () => {
  over = true;
  await acknowledging;
  await node?.close();
  await Promise.all(cases.map(({ machine }) => machine.powerOff()));
  await master.stop();
  await hub.kill();
  world.remove();
});
for (const [i, [name, program]] of Object.entries(PROGRAMS).entries()) {
  const machine = await AgentMachine.boot(workerImage);
  cases.push({ name, slot: `w-${i + 1}`, program, machine });
  world.pin(`w-${i + 1}`, machine.ekName);
}
await hub.start();
await hub.admin((c) => unary(c, "openWindow", { seconds: 600, max: 5 }));

/** The master's part: it acknowledges what its kernel would have taken. */
async function acknowledge(live: LiveNode): Promise<void> {
  for (let done = 0; !over; await sleep(5)) {
    for (const update of live.all("planeUpdate").slice(done)) {
      live.stream.ack(update);
      done++;
    }
  }
}
const live = await (node = new LiveNode(master, hub.nodePort, world.image.rootCa)).admitted();
acknowledging = acknowledge(live);

const nodeOf = async (slot: string) => await hub.admin((c) => unary(c, "getNode", { id: slot }));

for (const { name, slot, program, machine } of cases) {
  t.test(`${name}: from start to revocation`, async (t) => {
    const started = machine.start(program, slot, hub.nodePort);
    const says = (state: string): boolean => machine.said?.node.state === state;
    await until("pending", () => says("pending"));
    const pending = performance.now();
    t.comment(`${name}: process start → admission quote ${Math.round((machine.quotes[0] ?? NaN) - started)} ms, → pending ${Math.round(pending - started)} ms`);
    const waiting = await nodeOf(slot);
    const { id } = waiting;
    t.match(machine.said?.node, { state: "pending", id }, "the agent knows the hub's id of it");
    t.match(waiting, { state: "pending", role: "worker", anchor: "pinned", ekName: machine.ekName, phase: "kubedos-agent", release: world.release.id, attached: true }, "the hub holds it as a pinned machine of the release");
    t.equal((await machine.kernel()).links.size, 0, "no plane before an operator's word");
    await t.rejects(hub.admin((c) => unary(c, "approve", { id, approval: signedStatement(world.approval(master.ekName, slot)), acceptRisks: [] })), "a statement about another TPM admits nobody");
    t.ok(says("pending"), "it still waits");

    await hub.admin((c) => unary(c, "approve", { id, approval: signedStatement(world.approval(machine.ekName, slot)), acceptRisks: [] }));
    await until("connected, with a peer on each plane", async () => {
      const planes = machine.said?.planes ?? [];
      return planes.length === 3 && planes.every((p) => p.peers.length === 1) && (await nodeOf(slot)).state === "connected";
    });
    const up = [...(await machine.kernel()).links].map(([plane, link]) => [plane, link.up, link.peers.size]);
    t.same(up, [["wg1", true, 1], ["wg2", true, 1], ["wg3", true, 1]], "the kernel was told so");
    const status = machine.status(program);
    const planes = world.image.planes.map((p) => ({ name: p.name, up: true, peers: [{ name: "master" }] }));
    t.match(status, { kind: "kubedos/status", cluster: "demo", role: "worker", ekName: machine.ekName, phase: "kubedos-admitted", node: { state: "admitted", id, name: slot }, planes, refusedPeers: [] }, "the agent's own word");
    t.match(await nodeOf(slot), { id, state: "connected", planes: Object.fromEntries((status?.planes ?? []).map((p) => [p.name, p.address])) }, "hub and agent agree on the addresses");
    t.ok(live.peers.includes(id), "the master has it as a peer");
    t.match((await machine.kernel()).ruleset, /wg1/, "the firewall knows the planes");

    const revoked = await hub.admin((c) => unary(c, "revoke", { id, reason: "end of the test" }));
    t.match(revoked, { node: { state: "banned", code: "IDENTITY_REVOKED" }, acknowledged: ["master"], outstanding: [] }, "revoked, and the master says so");
    t.notOk(live.peers.includes(id), "the master has dropped it");
    await until("refused", () => says("refused"));
    t.match(machine.status(program), { node: { state: "refused", code: "IDENTITY_REVOKED", id }, planes: [] }, "the agent says why it is out");
    t.equal((await machine.kernel()).links.size, 0, "its planes are gone from its kernel");
    t.equal(await machine.stopAgent(), 0, "it ends when it is told to");

    machine.start(program, slot, hub.nodePort);
    await until("refused again", () => says("refused"));
    t.match(machine.said?.node, { code: "IDENTITY_REVOKED", id }, "a new process of the same machine stays outside");
    t.equal(await machine.stopAgent(), 0, "and ends in order");
    t.notOk(existsSync(join(machine.root, PATHS.node)), "and keeps no admission");
  });
}

t.test("environment and working directory bring no code into the executables", async (t) => {
  const trap = mkdtempSync(join(dir, "trap-"));
  const evil = join(trap, "evil.cjs");
  const ran = join(trap, "ran");
  writeFileSync(evil, `require("node:fs").writeFileSync(${JSON.stringify(ran)}, "")`);
  writeFileSync(join(trap, "bunfig.toml"), `preload = ["./evil.cjs"]\n[run]\npreload = ["./evil.cjs"]\n`);
  writeFileSync(join(trap, ".env"), "BUN_OPTIONS=--preload=./evil.cjs\nBUN_BE_BUN=1\nBUN_CONFIG_PRELOAD=./evil.cjs\nNODE_OPTIONS=--require=./evil.cjs\n");
  const foreign: Readonly<Record<string, string>> = {
    NODE_OPTIONS: `--require=${evil}`,
    BUN_OPTIONS: `--preload=${evil}`,
    BUN_CONFIG_PRELOAD: evil,
    BUN_BE_BUN: "1",
  };
  /** Whether foreign code ran in the executable; with BUN_BE_BUN its first argument would be a script's name. */
  const isTaken = (file: string, variables: Readonly<Record<string, string>>): boolean => {
    rmSync(ran, { force: true });
    const { stdout, status } = spawnSync(file, ["BUN_BE_BUN" in variables ? evil : "version"], { cwd: trap, encoding: "utf8", env: { ...unitEnv, ...variables } });
    if (!("BUN_BE_BUN" in variables)) t.match({ stdout, status }, { stdout: /^kubedos-agent \d/, status: 0 }, "it is still the agent");
    return existsSync(ran);
  };
  const takenBy = (file: string): string[] => Object.keys(foreign).filter((key) => isTaken(file, { [key]: foreign[key] ?? "" }));

  for (const file of [sea, bun]) t.notOk(isTaken(file, {}), ".env and bunfig.toml of the working directory");
  t.same(takenBy(sea), [], "the SEA executable hears no variable");
  const heard = takenBy(bun);
  t.same(heard, ["BUN_OPTIONS", "BUN_BE_BUN"], "the bun executable still hears these two");
  const dangerous = [...Object.keys(foreign), "BUN_INSPECT", "NODE_PATH", "LD_PRELOAD", "LD_LIBRARY_PATH"];
  for (const unit of ["kubedos-agent", "kubedos-failed", "kubedos-hub"]) {
    t.same(dangerous.filter((key) => !unset(unit).includes(key)), [], `${unit}.service takes away these and whatever else could bring code`);
  }
});
