import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { runNode } from "../../agent/boot/run-node.ts";
import { grpcConnector } from "../../agent/host/grpc-connector.ts";
import { systemClock } from "../../agent/host/clock.ts";
import { PATHS } from "../../agent/paths.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { operatorClient, unary } from "../fakes/admin-client.ts";
import { smbiosTable } from "../fakes/agent-case.ts";
import { AgentWorld } from "../fakes/agent-world.ts";
import { BOOT_ID, firmwareLog } from "../fakes/evidence-case.ts";
import { HubWorld } from "../fakes/hub-world.ts";
import { LiveNode, until } from "../fakes/live-node.ts";
import { TestMachine } from "../fakes/test-agent.ts";
import { measureInitrd } from "./measure-initrd.ts";
import { startSwtpm } from "./start-swtpm.ts";

// A machine that its hypervisor sets back to a snapshot, as its agent sees it: the kernel noticed (vmgenid, agent/host/kernel-forks.ts). The
// agent, its TPM, the hub and what they say to each other are real; kernel and files are played.
t.setTimeout(120_000);
const world = await HubWorld.make();
const master = await TestMachine.boot({ role: "master", hint: JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } }) });

/** As its initrd leaves it. */
const swtpm = await startSwtpm();
const tpm = new TpmClient(swtpm.transport);
await measureInitrd(tpm, firmwareLog);
const ekName = toHex(nameOf((await tpm.createEk("ecc")).publicArea));
const machine = new AgentWorld({ ...world.image, role: "worker", hub: false }, BOOT_ID);

world.pin("master", master.ekName);
world.pin("w-1", ekName);
world.approvals = [world.approval(master.ekName, "master"), world.approval(ekName, "w-1")];
const hub = await world.start();
machine.put(PATHS.smbios, smbiosTable([`kubedos.hint=${JSON.stringify({ v: 1, hub: { host: "127.0.0.1", port: hub.nodePort }, lan: [{ interface: "eth0", address: "192.0.2.9/24" }] })}`]));
const admin = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
const m = await new LiveNode(master, hub.nodePort, world.image.rootCa).admitted();
let stop = new AbortController();
let running: Promise<unknown> = Promise.resolve();
t.teardown(async () => {
  stop.abort();
  await running;
  await m.close();
  admin.close();
  await hub.close();
  await Promise.all([master.stop(), swtpm.stop()]);
  world.remove();
});

function start(): void {
  stop = new AbortController();
  const played = machine.ports(stop, { hub: grpcConnector, speed: 5 });
  // A TPM behind a socket forgets nobody's keys by itself.
  const openTpm = async (): Promise<TpmClient> => (await tpm.flushStale(), tpm);
  const entropy = { bytes: (n: number) => new Uint8Array(randomBytes(n)) };
  running = runNode({ ...played, entropy, openTpm, clock: { ...played.clock, now: () => new Date(), bootTime: () => systemClock.bootTime() } }, stop.signal);
}

interface Keys {
  readonly tlsKey: string;
  readonly wireguard: Readonly<Record<string, { readonly publicKey: string; readonly privateKey: string }>>;
  readonly fork: string;
}
const keys = (): Keys | null => (machine.files.has(PATHS.keys) ? (JSON.parse(machine.text(PATHS.keys)) as Keys) : null);
const publicKeys = (of: Keys | null): readonly string[] => Object.values(of?.wireguard ?? {}).map((k) => k.publicKey);
/** Public keys of the worker that the master was told last. */
const told = (): readonly string[] => m.all("planeUpdate").flatMap((u) => u.set).findLast((p) => p.name === "w-1")?.planes.map((p) => p.publicKey) ?? [];
const node = () => unary(admin, "getNode", { id: "w-1" });
const admissions = async () => (await unary(admin, "listAudit", { limit: 500 })).rows.filter((r) => r.action === "admit" && r.detail === "w-1").length;
/** Admitted for the n-th time, and its kernel has its peer on all planes. */
const isUp = async (n: number): Promise<boolean> => (await admissions()) === n && machine.kernel.links.size === 3 && [...machine.kernel.links.values()].every((l) => l.peers.size === 1);

start();
await until("it is admitted", () => isUp(1));

t.test("a fork: every key and peer is dropped, and it comes back at once with new ones, attested anew", async (t) => {
  const first = keys();
  t.same(told(), publicKeys(first));
  machine.fork = "811";
  await until("new keys", () => keys()?.fork === "811");
  await until("it is admitted again", () => isUp(2));
  const second = keys();
  t.not(second?.tlsKey, first?.tlsKey);
  await until("its peers have the new keys", () => told().join() === publicKeys(second).join());
  t.notOk(publicKeys(second).some((key) => publicKeys(first).includes(key)), "no key of before is left");
  const inKernel = [...machine.kernel.links.values()].map((l) => l.privateKey);
  t.same(inKernel.sort(), Object.values(second?.wireguard ?? {}).map((k) => k.privateKey).sort(), "nor in its own kernel");
  t.match(await node(), { state: "connected", phase: "kubedos-admitted", code: "" }, "and PCR 11 holds each word once");
});

t.test("an agent that is started again knows of it, and takes no new keys once more", async (t) => {
  const second = keys();
  stop.abort();
  await running;
  start();
  await until("it is back", () => isUp(3));
  await sleep(500);
  t.same(keys(), second);
});

t.test("one that was stopped when it happened drops them when it starts", async (t) => {
  const second = keys();
  stop.abort();
  await running;
  machine.fork = "955";
  start();
  await until("new keys", () => keys()?.fork === "955");
  await until("its peers have them", () => told().join() === publicKeys(keys()).join());
  t.notOk(publicKeys(keys()).some((key) => publicKeys(second).includes(key)));
  t.match(await node(), { state: "connected", code: "" });
});

t.test("a crash anywhere while it drops them is followed by the same again", async (t) => {
  const before = keys();
  await until("it is up", async () => machine.kernel.links.size === 3 && (await node()).state === "connected");
  for (let n = 0; n < 6; n++) {
    stop.abort();
    await running;
    machine.fork = String(1000 + n);
    start();
    // Somewhere between the first command of the fall and the last of the rise.
    await until("it begins", () => keys()?.fork !== before?.fork || machine.lines.at(-1)?.includes("set back") === true);
    await sleep(n * 15);
  }
  await until("it is up with the newest", () => keys()?.fork === "1005" && told().join() === publicKeys(keys()).join());
  t.notOk(publicKeys(keys()).some((key) => publicKeys(before).includes(key)));
});
