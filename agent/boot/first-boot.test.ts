import t from "tap";
import { AgentWorld, type Cut } from "../../test/fakes/agent-world.ts";
import { imageConfig, smbiosTable } from "../../test/fakes/agent-case.ts";
import { PATHS } from "../paths.ts";
import { StatusBoard } from "../status/status-board.ts";
import { FIRST_BOOT } from "./first-boot.ts";
import { runNode } from "./run-node.ts";
import { runSteps, type StepGroup } from "./step.ts";

const BOOT_ID = "a4852c21-6df1-4148-ba93-00485be83aaf";
const HINT = JSON.stringify({
  v: 1,
  slot: "w-1",
  hub: { host: "192.168.100.1", port: 7443 },
  lan: [{ interface: "eth0", address: "192.168.100.5/24" }],
});

function newWorld(hub = false): AgentWorld {
  const world = new AgentWorld(imageConfig("root", hub), BOOT_ID);
  world.put(PATHS.smbios, smbiosTable([`kubedos.hint=${HINT}`]));
  if (hub) world.put(PATHS.issuers, new TextEncoder().encode('{"hub":"AAAA","node":"BBBB"}'));
  return world;
}

async function live(world: AgentWorld, steps: readonly StepGroup[], cut?: Cut) {
  const stop = new AbortController();
  const ports = world.ports(stop, cut === undefined ? {} : { cut });
  const status = new StatusBoard(ports);
  const facts = await runSteps(steps, { ports, status, signal: stop.signal }).catch(() => null);
  await status.flush();
  return facts;
}

/** What must not depend on how often the agent was killed. */
function endState(world: AgentWorld) {
  return {
    pcr11: Buffer.from(world.pcr11).toString("hex"),
    extended: world.extended,
    ruleset: world.kernel.ruleset,
    lan: [...world.kernel.lan],
    files: [...world.files.keys()].sort(),
    measureLog: world.text(PATHS.measureLog),
    identity: world.text(`${PATHS.mailboxOut}/identity.json`),
    keysMode: world.modes.get(PATHS.keys),
  };
}

const nameOf = (group: StepGroup | undefined): string => [group ?? []].flat().map((step) => step.name).join(" and ");

const calm = newWorld();
await live(calm, FIRST_BOOT);
const wanted = endState(calm);
const effects = calm.effects;

t.test("a calm boot", async (t) => {
  t.same(wanted.extended, ["kubedos-agent"], "the agent's word, once");
  t.match(wanted.ruleset, /ip daddr 192\.168\.100\.1 tcp dport 7443 accept/);
  t.same(wanted.lan, ["link set dev eth0 up", "address replace 192.168.100.5/24 dev eth0"]);
  t.equal(wanted.keysMode, 0o600, "private keys are root's alone");
  t.notMatch(calm.text(PATHS.status), /privateKey|PRIVATE/, "the status holds no secret");
});

t.test("killed after each step, started again: the same end state", async (t) => {
  for (let i = 0; i < FIRST_BOOT.length; i++) {
    const world = newWorld();
    t.ok(await live(world, FIRST_BOOT.slice(0, i + 1)));
    const facts = await live(world, FIRST_BOOT);
    t.ok(facts, `boots again after ${nameOf(FIRST_BOOT[i])}`);
    t.same(endState(world), wanted, `after ${nameOf(FIRST_BOOT[i])}`);
  }
});

t.test("the power goes before and after each single effect", async (t) => {
  t.ok(effects >= 6, `there are ${effects} effects`);
  for (let n = 0; n < effects; n++) {
    for (const when of ["before", "after"] as const) {
      const world = newWorld();
      t.equal(await live(world, FIRST_BOOT, { n, when }), null, "that life ended");
      t.ok(await live(world, FIRST_BOOT));
      t.same(endState(world), wanted, `${when} effect ${n}`);
    }
  }
});

t.test("a restart in one boot keeps keys and claims; another boot has others", async (t) => {
  const world = newWorld();
  const first = await live(world, FIRST_BOOT);
  const again = await live(world, FIRST_BOOT);
  t.same(again?.attestor.claims, first?.attestor.claims);
  world.put(PATHS.bootId, new TextEncoder().encode("b4852c21-6df1-4148-ba93-00485be83aaf\n"));
  t.notSame((await live(world, FIRST_BOOT))?.keys.wireguard, first?.keys.wireguard);
});

t.test("a broken keys file is replaced", async (t) => {
  const world = newWorld();
  world.put(PATHS.keys, new TextEncoder().encode("{"));
  t.ok(await live(world, FIRST_BOOT));
  t.match(world.text(PATHS.keys), /"kind":"kubedos\/node-keys"/);
});

t.test("without a hint the LAN is DHCP's", async (t) => {
  const world = newWorld();
  world.put(PATHS.smbios, smbiosTable([]));
  t.ok(await live(world, FIRST_BOOT));
  t.same(world.kernel.units, ["start --no-block systemd-networkd.service"]);
  t.match(world.kernel.ruleset, /iifname "eth0" udp sport 67 udp dport 68 accept/);
});

t.test("the hub's node claims its issuers", async (t) => {
  const facts = await live(newWorld(true), FIRST_BOOT);
  t.match(new TextDecoder().decode(facts?.attestor.claims), /"issuers":\{"hub":"AAAA","node":"BBBB"\}/);
});

t.test("what can't be mended ends the node", async (t) => {
  const cases: [string, (world: AgentWorld) => void, RegExp][] = [
    ["no image.json", (w) => w.files.delete(PATHS.imageConfig), /failed BAD_CONFIG/],
    ["an unknown key in image.json", (w) => w.put(PATHS.imageConfig, new TextEncoder().encode('{"kind":"kubedos/image"}')), /failed BAD_VALUE/],
    ["no firmware log", (w) => w.files.delete(PATHS.firmwareLog), /failed PCR_UNEXPLAINED/],
    ["a truncated firmware log", (w) => w.put(PATHS.firmwareLog, (w.files.get(PATHS.firmwareLog) ?? new Uint8Array(0)).subarray(0, 5000)), /failed TRUNCATED/],
    ["a foreign word in PCR 11", (w) => (w.pcr11 = new Uint8Array(32).fill(1)), /failed PCR_UNEXPLAINED/],
  ];
  for (const [name, spoil, line] of cases) {
    const world = newWorld();
    spoil(world);
    t.equal(await runNode(world.ports(new AbortController()), new AbortController().signal), 1, name);
    t.match(world.lines[0], line, name);
    t.same(world.extended, ["kubedos-failed"], `${name}: the TPM knows`);
    t.same(world.kernel.units, ["poweroff -ff"], `${name}: the machine is off`);
  }
});

t.test("a TPM that is missing powers off too", async (t) => {
  const world = newWorld();
  const ports = { ...world.ports(new AbortController()), openTpm: async () => Promise.reject(new Error("no TPM")) };
  await t.rejects(runNode(ports, new AbortController().signal), { message: "no TPM" });
  t.same(world.kernel.units, ["poweroff -ff"]);
});

t.test("a missing link is waited for and shown, not fatal", async (t) => {
  const world = newWorld();
  world.files.delete(`${PATHS.links}/eth0`);
  const stop = new AbortController();
  const running = runNode(world.ports(stop), stop.signal);
  while (!world.lines.some((line) => line.includes("LINK_MISSING"))) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  t.equal(await running, 0);
  t.same(world.kernel.units, [], "nothing was powered off");
});
