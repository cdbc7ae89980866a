import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { operatorClient, signedStatement, unary } from "../test/fakes/admin-client.ts";
import { HubWorld } from "../test/fakes/hub-world.ts";
import { LiveNode, until } from "../test/fakes/live-node.ts";
import { memoryFloor } from "../test/fakes/memory-floor.ts";
import { TestMachine } from "../test/fakes/test-agent.ts";
import { RELEASE_TYPE } from "../proto/release/release.ts";
import { toBase64 } from "../proto/wire/base64.ts";
import type { HubOptions } from "./hub-options.ts";
import type { HubPorts } from "./ports.ts";
import type { RunningHub } from "./serve.ts";

t.setTimeout(120_000);
const world = await HubWorld.make();
/** The master's data volume; the world's own folder is what is on its tmpfs. */
const volume = join(world.dir, "volume");
mkdirSync(volume);
const floor = memoryFloor();
const onVolume: Partial<HubOptions> = { stateDir: volume, image: { ...world.image, volumes: [{ name: "hub", mount: volume }] } };

const [machine] = await Promise.all([TestMachine.boot()]);
world.pin("w-1", machine.ekName);
let hub: RunningHub | null = null;
t.teardown(async () => {
  await hub?.close();
  await machine.stop();
  world.remove();
});

/** What a boot begins with: an empty tmpfs. */
async function reboot(): Promise<void> {
  await hub?.close();
  hub = null;
  for (const name of readdirSync(world.dir)) if (name !== "volume") rmSync(join(world.dir, name));
}
/** A hub that gets no delivery in this boot; null: it waits for one, and said why it took none. */
async function comeBack(options: Partial<HubOptions>, ports: Partial<HubPorts> = {}): Promise<{ readonly hub: RunningHub | null; readonly refused: readonly string[] }> {
  const refused: string[] = [];
  const stop = new AbortController();
  let waiting = false;
  const log: HubPorts["log"] = {
    info: () => undefined,
    warn: () => undefined,
    error: (event, fields = {}) => {
      if (event === "delivery refused") refused.push((fields["err"] as { code: string }).code);
      waiting = true;
    },
  };
  const starting = world.restart({ floor, log, ...ports }, { ...options, signal: stop.signal }).then(
    (running) => running,
    (error: { code?: string }) => {
      if (error.code === "STOPPED") return null;
      throw error;
    },
  );
  const first = await Promise.race([starting, until("a refusal", () => waiting).then(() => null, () => null)]);
  if (first === null) stop.abort();
  return { hub: await starting, refused };
}
const issuers = (): string => readFileSync(join(world.dir, "issuers.json"), "utf8");
const asOperator = async <T>(work: (client: ReturnType<typeof operatorClient>) => Promise<T>): Promise<T> => {
  const client = operatorClient(hub?.operatorPort ?? 0, world.operator, world.image.rootCa);
  try {
    return await work(client);
  } finally {
    client.close();
  }
};
const releases = () => asOperator(async (c) => (await unary(c, "listReleases", {})).releases.map((r) => `${r.generation} ${r.state}`));
const attach = async (): Promise<LiveNode> => new LiveNode(machine, hub?.nodePort ?? 0, world.image.rootCa);
const release = (generation: number) => ({ ...world.release, generation, id: String(generation).repeat(16) });

let keys = "";
t.test("a master that was switched off comes back by itself: identities, approvals and releases are there", async (t) => {
  hub = await world.start({ floor }, onVolume);
  keys = issuers();
  await asOperator((c) => unary(c, "openWindow", { seconds: 600, max: 5 }));
  const live = await attach();
  await until("pending", () => live.last("waiting") !== undefined);
  const id = live.last("waiting")?.id ?? "";
  const approval = signedStatement(world.approval(machine.ekName, "w-1", { notAfter: Math.floor(Date.now() / 1000) + 3600 }));
  await asOperator((c) => unary(c, "approve", { id, approval, acceptRisks: [] }));
  await live.admitted();
  await asOperator((c) => unary(c, "stageRelease", { envelope: Buffer.from(world.sign(RELEASE_TYPE, release(7))) }));
  await live.close();

  await reboot();
  ({ hub } = await comeBack(onVolume));
  t.ok(hub, "no delivery was needed");
  t.equal(issuers(), keys, "with the same issuing keys");
  t.same(await releases(), ["1 current", "7 staged"]);
  t.match(await asOperator((c) => unary(c, "getNode", { id })), { state: "approved", attached: false }, "known, and outside until it attests anew");
  const again = await (await attach()).admitted();
  t.equal(again.last("admission")?.name, "w-1", "no operator was asked");
  await again.close();
  const lying = readdirSync(volume).filter((name) => (statSync(join(volume, name)).mode & 0o077) !== 0);
  t.same(lying, [], "nothing on the volume is for others");
});

t.test("newer releases than the delivered one, and withdrawals, are remembered too", async (t) => {
  const { id } = release(7);
  await asOperator((c) => unary(c, "activateRelease", { id }));
  await asOperator((c) => unary(c, "withdrawRelease", { id: world.release.id, reason: "a test", acceptRisks: [] }));
  await reboot();
  ({ hub } = await comeBack(onVolume));
  t.same(await releases(), ["1 withdrawn", "7 current"], "the delivery of generation 1 brings nothing back");
});

t.test("what was kept counts only as far as it holds", async (t) => {
  await reboot();
  const kept = readFileSync(join(volume, "delivery.json"));
  const spoiled = async (what: string, code: string, data: Uint8Array): Promise<void> => {
    writeFileSync(join(volume, "delivery.json"), data);
    const back = await comeBack(onVolume);
    t.equal(back.hub, null, `${what}: nothing listens`);
    t.same(back.refused, [code], what);
    await reboot();
  };
  await spoiled("cut off", "BAD_DELIVERY", kept.subarray(0, -10));
  await spoiled("empty", "BAD_DELIVERY", new Uint8Array(0));
  const other = generateKeyPairSync("ed25519").privateKey;
  await world.restart({ floor }, { ...onVolume, signal: AbortSignal.timeout(50) }).catch(() => undefined);
  await world.deliver({}, { key: other });
  const forged = readFileSync(join(world.dir, "delivery.json"));
  await reboot();
  await spoiled("signed by another key", "BAD_DELIVERY", forged);

  const foreign = readFileSync(join(volume, "issuer-keys.json"));
  rmSync(join(volume, "issuer-keys.json"));
  await spoiled("other keys than those it was for", "WRONG_ISSUER", kept);
  writeFileSync(join(volume, "issuer-keys.json"), foreign, { mode: 0o600 });

  writeFileSync(join(volume, "delivery.json"), kept);
  await t.rejects(comeBack(onVolume, { floor: memoryFloor(null) }), { code: "FLOOR_UNREADABLE" }, "without the floor nobody knows whether the volume is an old copy");
  ({ hub } = await comeBack(onVolume));
  t.ok(hub, "the unspoiled one does");
});

t.test("a new delivery replaces the one that was kept", async (t) => {
  world.serial++;
  await world.deliver({ releases: [toBase64(world.sign(RELEASE_TYPE, release(8)))] });
  await until("generation 8", async () => (await releases()).includes("8 current"));
  await reboot();
  ({ hub } = await comeBack(onVolume));
  t.same(await releases(), ["1 withdrawn", "7 current", "8 current"]);
});

t.test("without a data volume everything ends with the boot", async (t) => {
  await reboot();
  const memory = join(world.dir, "memory");
  const start = (): Promise<RunningHub> => world.start({ floor: memoryFloor() }, { stateDir: memory });
  mkdirSync(memory);
  hub = await start();
  t.not(issuers(), keys);
  const before = issuers();
  await hub.close();
  rmSync(memory, { recursive: true });
  mkdirSync(memory);
  for (const name of readdirSync(world.dir)) if (name !== "volume" && name !== "memory") rmSync(join(world.dir, name));
  hub = await start();
  t.not(issuers(), before, "other issuers, and a delivery of its own");
});
