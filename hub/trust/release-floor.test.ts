import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { operatorClient, unary } from "../../test/fakes/admin-client.ts";
import { HubWorld } from "../../test/fakes/hub-world.ts";
import { until } from "../../test/fakes/live-node.ts";
import { memoryFloor } from "../../test/fakes/memory-floor.ts";
import { runTool } from "../../test/swtpm/run-tool.ts";
import { startSwtpm } from "../../test/swtpm/start-swtpm.ts";
import { RELEASE_TYPE } from "../../proto/release/release.ts";
import { FLOOR_INDEX } from "../../proto/tpm/nv-floor.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { tpmFloor } from "../host/tpm-floor.ts";
import type { HubPorts } from "../ports.ts";

t.setTimeout(120_000);
const swtpm = await startSwtpm();
t.teardown(() => swtpm.stop());
const tpm = tpmFloor(`unix:${swtpm.socketPath}`);

async function newWorld(): Promise<HubWorld> {
  const world = await HubWorld.make();
  t.teardown(() => world.remove());
  return world;
}

/** Delivers one release, or several. */
const deliver = (world: HubWorld, ...generations: readonly number[]): Promise<void> => {
  world.serial++;
  const release = (generation: number) => ({ ...world.release, generation, id: String(generation).repeat(16).slice(0, 16) });
  return world.deliver({ releases: generations.map((g) => toBase64(world.sign(RELEASE_TYPE, release(g)))) });
};

/** Codes of the deliveries that a hub refused. */
function listening(): { readonly log: HubPorts["log"]; readonly refused: string[] } {
  const refused: string[] = [];
  const error = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    if (event === "delivery refused") refused.push((fields["err"] as { code: string }).code);
  };
  return { refused, log: { info: () => undefined, warn: () => undefined, error } };
}

/** Takes the database away, and with it all that it remembers. */
function loseDatabase(world: HubWorld): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(join(world.dir, `hub.db${end}`), { force: true });
}

const floorOf = async (world: HubWorld, port: number): Promise<readonly unknown[]> => {
  const client = operatorClient(port, world.operator, world.image.rootCa);
  const { releases, floor } = await unary(client, "listReleases", {});
  client.close();
  return [floor, releases.filter((r) => r.state === "current").map((r) => r.generation)];
};

t.test("a hub that lost its database remembers by its TPM which generation it had taken", async (t) => {
  const world = await newWorld();
  const first = world.restart({ floor: tpm });
  await until("its keys", () => deliver(world, 3).then(() => true, () => false));
  let hub = await first;
  t.same(await floorOf(world, hub.operatorPort), [3n, [3n]]);
  await hub.close();

  loseDatabase(world);
  const { log, refused } = listening();
  await deliver(world, 2);
  const second = world.restart({ floor: tpm, log });
  let ready = false;
  second.then(() => (ready = true), () => undefined);
  await until("the refusal", () => refused.length > 0);
  await sleep(100);
  t.same([refused, ready], [["ROLLED_BACK"], false], "generation 2 is refused, and nobody is served");
  await deliver(world, 2, 3);
  hub = await second;
  t.same(await floorOf(world, hub.operatorPort), [3n, [3n]], "3 is taken again, and 2 beside it isn't");
  await hub.close();

  t.equal(await tpm.read("demo"), 3);
  loseDatabase(world);
  await runTool(swtpm.tcti, "tpm2_nvundefine", `0x${FLOOR_INDEX.toString(16)}`, "-C", "o");
  hub = await world.restart({ floor: tpm });
  await hub.close();
  t.equal(await tpm.read("demo"), 3, "a floor that somebody took away comes back with the next delivery");
});

t.test("a TPM that was cleared gets the database's floor", async (t) => {
  const world = await newWorld();
  const floor = memoryFloor();
  await (await world.start({ floor })).close();
  floor.kept = 0;
  const hub = await world.restart({ floor });
  t.teardown(() => hub.close());
  t.equal(floor.kept, 1);
  const client = operatorClient(hub.operatorPort, world.operator, world.image.rootCa);
  t.teardown(() => client.close());
  t.match((await unary(client, "listAudit", { limit: 50 })).rows.filter((r) => r.action === "floor-restored"), [{ detail: "the TPM kept generation 0, the database 1" }]);
});

t.test("without the TPM's word the hub doesn't serve", async (t) => {
  const world = await newWorld();
  await (await world.start({ floor: memoryFloor() })).close();
  const cases: readonly [string, HubPorts["floor"]][] = [
    ["a TPM that doesn't answer", memoryFloor(null)],
    ["no TPM", tpmFloor("/dev/kubedos-none")],
    ["a socket with nobody behind it", tpmFloor("unix:/nonexistent/tpm")],
  ];
  for (const [name, floor] of cases) await t.rejects(world.restart({ floor }), { name: "BootError", code: "FLOOR_UNREADABLE" }, name);
  const dies = memoryFloor(0);
  const raise = async (): Promise<void> => Promise.reject(new Error("NV is worn out"));
  loseDatabase(world);
  await t.rejects(world.restart({ floor: { ...dies, raise } }), { code: "FLOOR_UNREADABLE" }, "nor when the floor can't be raised for its first delivery");
  const hub = await world.restart({ floor: memoryFloor(1) });
  t.pass("with one that answers the same files are served");
  await hub.close();
});
