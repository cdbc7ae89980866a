import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import t from "tap";
import { operatorClient, signedStatement, unary } from "../test/fakes/admin-client.ts";
import { HubWorld } from "../test/fakes/hub-world.ts";
import { type Got, TestMachine, TestStream } from "../test/fakes/test-agent.ts";

const entry = fileURLToPath(new URL("../test/fakes/hub-process.ts", import.meta.url));
const bun = fileURLToPath(new URL("../node_modules/@oven/bun-linux-x64/bin/bun", import.meta.url));
const built = mkdtempSync(join(tmpdir(), "kubedos-bun-"));
t.teardown(() => rmSync(built, { recursive: true }));

/** The hub in a process, to be killed. */
class Hub {
  readonly world: HubWorld;
  readonly command: readonly [string, ...string[]];
  nodePort = 0;
  operatorPort = 0;
  #child: ChildProcess | null = null;

  constructor(world: HubWorld, command: readonly [string, ...string[]]) {
    this.world = world;
    this.command = command;
    writeFileSync(join(world.dir, "image.json"), JSON.stringify(world.image));
  }

  async start(): Promise<void> {
    const [program, ...args] = this.command;
    const child = spawn(program, [...args, this.world.dir], { stdio: ["ignore", "pipe", process.env["KUBEDOS_TEST_LOG"] === undefined ? "ignore" : "inherit"] });
    this.#child = child;
    const ready = new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
      child.once("exit", (code) => reject(new Error(`the hub ended with ${code}`)));
    });
    while (!existsSync(join(this.world.dir, "issuers.json"))) await new Promise((r) => setTimeout(r, 20));
    if (!existsSync(join(this.world.dir, "delivery.json"))) await this.world.deliver();
    Object.assign(this, JSON.parse(await ready));
  }

  /** Power cut. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null) return;
    const exit = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exit;
  }

  open(m: TestMachine): TestStream {
    return new TestStream(this.nodePort, m.key, [m.certificate], this.world.image.rootCa);
  }

  async admin<T>(work: (client: ReturnType<typeof operatorClient>) => Promise<T>): Promise<T> {
    const client = operatorClient(this.operatorPort, this.world.operator, this.world.image.rootCa);
    try {
      return await work(client);
    } finally {
      client.close();
    }
  }
}

/** The same line under Node and as a binary compiled by bun: after each step the hub is killed, and nothing is lost. */
for (const runtime of ["node", "bun"] as const) {
  t.test(`kill -9 after each step, under ${runtime}`, async (t) => {
    const world = await HubWorld.make();
    const [master, worker] = await Promise.all([
      TestMachine.boot({ role: "master", hint: JSON.stringify({ v: 1, hub: { host: "192.0.2.1", port: 7443 } }) }),
      TestMachine.boot(),
    ]);
    world.pin("master", master.ekName);
    world.pin("w-1", worker.ekName);
    world.approvals = [world.approval(master.ekName, "master")];
    let command: readonly [string, ...string[]] = [process.execPath, entry];
    if (runtime === "bun") {
      const out = join(built, "hub");
      const { status, stderr } = spawnSync(bun, ["build", "--compile", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", "--outfile", out, entry], { encoding: "utf8" });
      t.equal(status, 0, stderr);
      command = [out];
    }
    const hub = new Hub(world, command);
    t.teardown(async () => {
      await hub.kill();
      await Promise.all([master.stop(), worker.stop()]);
      world.remove();
    });
    const restart = async (): Promise<void> => {
      await hub.kill();
      await hub.start();
    };
    const stateOf = (id: string) => hub.admin((c) => unary(c, "getNode", { id }));

    await hub.start();
    await hub.admin((c) => unary(c, "openWindow", { seconds: 600, max: 5 }));
    await restart();
    t.match(await hub.admin((c) => unary(c, "getWindow", {})), { open: true, remaining: 5 }, "the window is still open");

    const challenged = hub.open(worker);
    challenged.hello(worker);
    const stale = await challenged.next("challenge");
    await restart();
    challenged.close();
    const replay = hub.open(worker);
    replay.hello(worker);
    await replay.next("challenge");
    await replay.answer(worker, stale);
    t.equal((await replay.next("refusal")).code, "SECRET_WRONG", "a challenge of before the kill is worth nothing");
    replay.close();

    const waiting = hub.open(worker);
    await waiting.attest(worker);
    const { id } = await waiting.next("waiting");
    await restart();
    waiting.close();
    t.match(await stateOf(id), { state: "pending", attached: false }, "still waits");

    const approval = signedStatement(world.approval(worker.ekName, "w-1"));
    await hub.admin((c) => unary(c, "approve", { id, approval, acceptRisks: [] }));
    await restart();
    t.match(await stateOf(id), { state: "approved" });
    const attach = async (m: TestMachine): Promise<{ stream: TestStream; update: Got<"planeUpdate"> }> => {
      const stream = hub.open(m);
      await stream.attest(m);
      await stream.next("admission");
      const update = await stream.next("planeUpdate");
      stream.ack(update);
      return { stream, update };
    };
    const m1 = await attach(master);
    const w1 = await attach(worker);
    t.match(w1.update.set, [{ name: "master" }], "comes in without a new approval");
    await restart();
    m1.stream.close();
    w1.stream.close();
    t.match(await stateOf(id), { state: "connected", attached: false });
    const m2 = await attach(master);
    t.match(m2.update.set, [{ name: "w-1" }], "the master keeps a peer that has not come back yet");
    t.ok(m2.update.epoch > m1.update.epoch, "in a new epoch");
    const w2 = await attach(worker);

    await t.rejects(hub.admin((c) => unary(c, "revoke", { id: "master", reason: "a slip" })), { code: "BAD_REQUEST" }, "the hub keeps its own node");
    const revoking = hub.admin((c) => unary(c, "revoke", { id, reason: "test" })).catch(() => undefined);
    t.equal((await w2.stream.next("refusal")).code, "IDENTITY_REVOKED");
    // Killed while the revocation waits for the master's word.
    await restart();
    await revoking;
    m2.stream.close();
    w2.stream.close();
    const m3 = await attach(master);
    t.same(m3.update.set, [], "gone for good");
    m3.stream.close();
    const again = hub.open(worker);
    again.hello(worker);
    t.equal((await again.next("refusal")).code, "IDENTITY_REVOKED");
    again.close();
    t.ok((await hub.admin((c) => unary(c, "listAudit", { limit: 1 }))).intact, "and the audit is whole");
  });
}

t.test("a database that was edited by hand admits nobody", async (t) => {
  const world = await HubWorld.make();
  const [pinned, lookalike] = await Promise.all([TestMachine.boot(), TestMachine.boot()]);
  world.pin("w-1", pinned.ekName);
  const hub = new Hub(world, [process.execPath, entry]);
  t.teardown(async () => {
    await hub.kill();
    await Promise.all([pinned.stop(), lookalike.stop()]);
    world.remove();
  });
  await hub.start();
  await hub.admin((c) => unary(c, "openWindow", { seconds: 600, max: 5 }));
  const attest = async (m: TestMachine): Promise<Got<"waiting">> => {
    const stream = hub.open(m);
    await stream.attest(m);
    const waiting = await stream.next("waiting");
    stream.close();
    return waiting;
  };
  const { id } = await attest(pinned);
  const stranger = await attest(lookalike);
  await hub.kill();

  const db = new DatabaseSync(join(world.dir, "hub.db"));
  const edit = (who: string, slot: string): void => {
    db.prepare("UPDATE identities SET kind = 'connected', slot = ?, state = json_set(json_set(state, '$.t', 'connected'), '$.slot', ?) WHERE id = ?").run(slot, slot, who);
  };
  edit(id, "w-1");
  edit(stranger.id, "w-2");
  // A real statement of a real operator, moved under another machine's key.
  const real = world.approval(pinned.ekName, "w-1", { notAfter: 1 });
  const chain = JSON.stringify(real.chain.map((der) => Buffer.from(der).toString("base64")));
  for (const ek of [pinned.ekName, lookalike.ekName]) {
    db.prepare("INSERT INTO approvals (ek_name, generation, envelope, chain, at_ms, used_mac) VALUES (?, 1, ?, ?, 1, zeroblob(32))").run(ek, real.envelope, chain);
  }
  db.prepare("INSERT INTO leases VALUES (?, '{}', x'00')").run(stranger.id);
  db.close();

  await hub.start();
  t.match(await hub.admin((c) => unary(c, "getNode", { id: stranger.id })), { state: "approved", attached: false }, "the edit shows, and gave nothing");
  t.equal((await attest(pinned)).state, "pending", "an expired statement doesn't count");
  t.equal((await attest(lookalike)).state, "unanchored", "nor one for another machine");
});
