import t from "tap";
import { FakeKernel } from "../../test/fakes/fake-kernel.ts";
import { makeWireguardKey } from "../boot/node-keys.ts";
import { applyWireguard, renderCommands } from "./apply.ts";
import type { DesiredInterface, DesiredPeer } from "./desired.ts";
import { observeWireguard, parseDump } from "./observe.ts";
import { planWireguard } from "./plan.ts";

const keys = [1, 2, 3, 4].map((n) => makeWireguardKey(new Uint8Array(32).fill(n)));
const publicKey = (n: number): string => keys[n]?.publicKey ?? "";
const peer = (n: number, change: Partial<DesiredPeer> = {}): DesiredPeer => ({
  publicKey: publicKey(n),
  allowedIps: [`10.78.0.${n}/32`],
  endpoint: null,
  keepalive: 0,
  ...change,
});
const wg = (name: DesiredInterface["name"], peers: readonly DesiredPeer[], change: Partial<DesiredInterface> = {}): DesiredInterface => ({
  name,
  address: "10.78.0.5/32",
  cidr: "10.78.0.0/24",
  mtu: 1420,
  listenPort: 51821,
  publicKey: publicKey(0),
  peers,
  ...change,
});
const privateKey = (): string => keys[0]?.privateKey ?? "";

async function settle(kernel: FakeKernel, desired: readonly DesiredInterface[]): Promise<readonly string[]> {
  const ops = planWireguard(await observeWireguard(kernel.runner()), desired);
  kernel.commands.length = 0;
  await applyWireguard(kernel.runner(), ops, privateKey);
  const commands = [...kernel.commands];
  t.same(planWireguard(await observeWireguard(kernel.runner()), desired), [], "a second plan is empty");
  return commands;
}

t.test("from nothing, in few commands, in an order that works", async (t) => {
  const dialled = peer(1, { endpoint: "192.168.100.1:51821", keepalive: 25 });
  t.same(planWireguard([], [wg("wg2", []), wg("wg1", [peer(2), dialled])]).map((o) => `${o.op} ${o.dev}`), [
    "link-add wg1",
    "link-add wg2",
    "key-set wg1",
    "listen-port-set wg1",
    ...[publicKey(1), publicKey(2)].map(() => "peer-set wg1"),
    "key-set wg2",
    "listen-port-set wg2",
    "address-add wg1",
    "link-up wg1",
    "route-add wg1",
    "address-add wg2",
    "link-up wg2",
    "route-add wg2",
  ]);
  const commands = await settle(new FakeKernel(), [wg("wg1", [peer(2), dialled]), wg("wg2", [])]);
  t.equal(commands.length, 4);
  t.match(commands[1], /^wg set wg1 private-key \/dev\/stdin listen-port 51821 peer /);
});

t.test("each difference is one operation", async (t) => {
  const base = [wg("wg1", [peer(1), peer(2)])];
  const cases: [string, DesiredInterface[], string[]][] = [
    ["nothing", base, []],
    ["a peer goes", [wg("wg1", [peer(1)])], [`wg set wg1 peer ${publicKey(2)} remove`]],
    ["the last peers go", [wg("wg1", [])], [`wg set wg1 ${[publicKey(1), publicKey(2)].sort().map((k) => `peer ${k} remove`).join(" ")}`]],
    ["a peer comes", [wg("wg1", [peer(1), peer(2), peer(3)])], [`wg set wg1 peer ${publicKey(3)} persistent-keepalive 0 allowed-ips 10.78.0.3/32`]],
    ["an address moves to another key", [wg("wg1", [peer(1), peer(3, { allowedIps: ["10.78.0.2/32"] })])], [`wg set wg1 peer ${publicKey(2)} remove peer ${publicKey(3)} persistent-keepalive 0 allowed-ips 10.78.0.2/32`]],
    ["another endpoint", [wg("wg1", [peer(1, { endpoint: "10.0.0.9:51821" }), peer(2)])], [`wg set wg1 peer ${publicKey(1)} endpoint 10.0.0.9:51821 persistent-keepalive 0 allowed-ips 10.78.0.1/32`]],
    ["another port", [wg("wg1", [peer(1), peer(2)], { listenPort: 51999 })], ["wg set wg1 listen-port 51999"]],
    ["another address", [wg("wg1", [peer(1), peer(2)], { address: "10.78.0.6/32" })], ["ip -batch -"]],
    ["the interface goes", [], ["ip -batch -"]],
  ];
  for (const [name, desired, expected] of cases) {
    const kernel = new FakeKernel();
    await settle(kernel, base);
    t.same(await settle(kernel, desired), expected, name);
  }
});

t.test("a peer that roams is no difference; one that we dial is", async (t) => {
  const kernel = new FakeKernel();
  await settle(kernel, [wg("wg1", [peer(1), peer(2, { endpoint: "10.0.0.9:51821" })])]);
  for (const p of kernel.links.get("wg1")?.peers.values() ?? []) p.endpoint = "10.9.9.9:4242";
  const ops = planWireguard(await observeWireguard(kernel.runner()), [wg("wg1", [peer(1), peer(2, { endpoint: "10.0.0.9:51821" })])]);
  t.match(ops, [{ op: "peer-set", peer: { publicKey: publicKey(2) } }]);
});

t.test("the private key is in no argument", async (t) => {
  const commands = renderCommands(planWireguard([], [wg("wg1", [peer(1)])]), privateKey);
  t.notMatch(JSON.stringify(commands.map((c) => c.argv)), privateKey());
  t.equal(commands.filter((c) => c.stdin?.includes(privateKey())).length, 1);
});

t.test("dumps that wg doesn't write", async (t) => {
  const line = (...fields: string[]) => `${fields.join("\t")}\n`;
  const own = line("wg1", "priv", "pub", "51821", "off");
  t.match(parseDump(own + line("wg1", "key", "(none)", "(none)", "10.0.0.2/32,10.0.0.1/32", "0", "1", "2", "off")), [
    { name: "wg1", peers: [{ endpoint: null, allowedIps: ["10.0.0.1/32", "10.0.0.2/32"], keepalive: 0 }] },
  ]);
  t.notMatch(JSON.stringify(parseDump(own)), /priv/, "the private key goes no further");
  const bad = [line("wg1", "x"), own + own, line("wg2", "key", "(none)", "(none)", "(none)", "0", "0", "0", "off"), line("wg1", "priv", "pub", "port", "off")];
  for (const text of bad) t.throws(() => parseDump(text), { code: "COMMAND_OUTPUT" }, JSON.stringify(text));
});
