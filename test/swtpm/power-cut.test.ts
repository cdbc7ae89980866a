import t from "tap";
import type { AdminServiceClient } from "../../proto/gen/kubedos/v1/admin.ts";
import type { RunningHub } from "../../hub/serve.ts";
import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import { parseAttest } from "../../proto/tpm/attest.ts";
import { unary, withOperator } from "../fakes/admin-client.ts";
import { HubWorld } from "../fakes/hub-world.ts";
import { LiveNode, until } from "../fakes/live-node.ts";
import type { TestMachine } from "../fakes/test-agent.ts";
import { TpmState } from "./tpm-state.ts";

// A rack that loses its power, on real swtpm and a served hub (DESIGN §2.11).
t.setTimeout(120_000);
const hint = JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } });
const SLOTS = ["master", "w-1", "w-2", "w-3"] as const;
const world = await HubWorld.make();
const states = await Promise.all(SLOTS.map(() => TpmState.make()));
for (const [n, state] of states.entries()) world.pin(SLOTS[n] ?? "", state.ekName);
world.approvals = states.map((state, n) => world.approval(state.ekName, SLOTS[n] ?? ""));
let hub: RunningHub = await world.start();
let rack: readonly TestMachine[] = [];
let lives: readonly LiveNode[] = [];
t.teardown(async () => {
  await Promise.all(lives.map((live) => live.close()));
  await hub.close();
  await Promise.all(rack.map((machine) => machine.stop()));
  await Promise.all(states.map((state) => state.remove()));
  world.remove();
});

/** Power on: each machine boots, with keys of this boot, and dials. */
async function powerOn(): Promise<void> {
  rack = await Promise.all(states.map((state, n) => state.boot(n === 0 ? { role: "master", hint } : {})));
  lives = await Promise.all(rack.map((machine) => LiveNode.join(machine, hub.nodePort, world.image.rootCa)));
  const ids = lives.map((live) => live.id);
  await until("everybody has his peers", () => lives.every((live, n) => live.peers.length === (n === 0 ? ids.length - 1 : 1)));
}

async function clocks(): Promise<readonly { readonly resetCount: number; readonly safe: boolean }[]> {
  return await Promise.all(
    rack.map(async ({ tpm }) => parseAttest((await tpm.client.quote({ ak: tpm.ak, extraData: new Uint8Array(32), pcrs: QUOTED_PCRS })).quote).clock),
  );
}

const admin = <T>(work: (client: AdminServiceClient) => Promise<T>): Promise<T> => withOperator(hub, world, work);
const stateOf = async (slot: string): Promise<string> => (await admin((c) => unary(c, "getNode", { id: slot }))).state;

await powerOn();
const before = await clocks();

t.test("the whole rack comes back by itself, the hub too", async (t) => {
  await Promise.all(states.map((state) => state.cutPower()));
  await hub.close();
  await Promise.all(lives.map((live) => live.close()));
  hub = await world.start();
  await powerOn();
  const after = await clocks();
  t.ok(after.every((c, n) => c.resetCount > (before[n]?.resetCount ?? 0)), "each TPM counts another reset");
  t.ok(after.every((c) => !c.safe), "and says that its clock may have lost something: a fact, and no reason against it");
  for (const slot of SLOTS) t.equal(await stateOf(slot), "connected", slot);
  const rows = (await admin((c) => unary(c, "listAudit", { limit: 1000 }))).rows;
  t.same(rows.filter((r) => r.actor.startsWith("operator:") && r.action !== "approve").length, 0, "nobody had to do anything");
  t.equal(rows.filter((r) => r.action === "admit").length, 2 * SLOTS.length);
});

t.test("the hub alone stays up: their old streams are gone, and they come back as well", async () => {
  await Promise.all(states.map((state) => state.cutPower()));
  await Promise.all(lives.map((live) => live.close()));
  await powerOn();
});

t.test("one whose TPM was set back to before the power cut doesn't", async (t) => {
  const [, state] = states;
  const machine = rack[1];
  if (state === undefined || machine === undefined) throw new Error("the rack has two machines");
  const others = rack.filter((other) => other !== machine);
  await lives[1]?.close();
  await machine.stop();
  const old = await state.copy();
  const id = lives[1]?.id ?? "";
  for (let boots = 0; boots < 2; boots++) {
    const again = await state.boot();
    const live = await new LiveNode(again, hub.nodePort, world.image.rootCa).admitted();
    await live.close();
    await again.stop();
  }
  const back = await old.boot();
  rack = [...others, back];
  const live = new LiveNode(back, hub.nodePort, world.image.rootCa);
  await until("it is refused", () => live.stream.ended);
  t.equal(live.last("refusal")?.code, "CLOCK_WENT_BACK");
  t.equal(await stateOf("w-1"), "quarantined");
  await until("no peer has it", () => !(lives[0]?.peers.includes(id) ?? true));
  await live.close();
  await old.remove();
});
