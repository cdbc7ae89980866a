import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { unary } from "../test/fakes/admin-client.ts";
import { LEASE_MS, LeaseCluster } from "../test/fakes/lease-cluster.ts";

t.setTimeout(170_000);
const cluster = await LeaseCluster.start();
t.teardown(() => cluster.end());
const { hub, master, worker } = cluster;
/** Time in which the newest verdict of both is at most one renewal and an answer old. */
const HORIZON_LEAST = LEASE_MS - 2500;

t.test("hub killed and back within the horizon: invisible", async (t) => {
  cluster.agents.forEach((a) => a.changes());
  await hub.kill();
  await cluster.startHub();
  await cluster.isWhole();
  await sleep(LEASE_MS + 1000);
  t.ok(cluster.agents.every((a) => a.has(1)), "far beyond the lease of before");
  t.same(cluster.agents.flatMap((a) => a.changes()).filter((c) => c.startsWith("wg ")), [], "no peer was touched");
});

t.test("hub killed for longer: peers stay to the horizon, and no longer, on all planes", async (t) => {
  const at = performance.now();
  await hub.kill();
  await sleep(HORIZON_LEAST);
  t.ok(cluster.agents.every((a) => a.has(1)), "before it");
  await cluster.isAdrift(LEASE_MS);
  t.ok(performance.now() - at < LEASE_MS + 1000, "after it");
  t.equal(worker.state, "adrift");
  t.ok(worker.world.lines.some((line) => /^adrift as w-1: the hub has not renewed/.test(line)), "its console says so");
  await cluster.startHub();
  await cluster.isWhole();
  t.pass("and everybody comes back by himself");
});

t.test("hub stopped: the same, and it finds everybody gone when it goes on", async (t) => {
  const at = performance.now();
  process.kill(hub.pid, "SIGSTOP");
  await sleep(HORIZON_LEAST);
  t.ok(cluster.agents.every((a) => a.has(1)), "before the horizon");
  await cluster.isAdrift(LEASE_MS);
  t.ok(performance.now() - at < LEASE_MS + 1000, "after it");
  process.kill(hub.pid, "SIGCONT");
  await cluster.isWhole();
  const { rows } = await hub.admin((c) => unary(c, "listAudit", { limit: 1000 }));
  t.ok(rows.some((r) => r.code === "LEASE_ENDED") && !rows.some((r) => r.code === "LEASE_TIMEOUT"), "leases ended; nobody timed out who could not answer");
});

t.test("the nodes' clocks move: nothing happens", async (t) => {
  cluster.agents.forEach((a) => a.changes());
  for (const skew of [3_600_000, -3_600_000, 0]) {
    master.wallSkew = skew;
    worker.wallSkew = skew;
    // More than two renewals.
    await sleep(2500);
    t.ok(cluster.agents.every((a) => a.has(1) && a.state === "admitted"), String(skew));
  }
  t.same(cluster.agents.flatMap((a) => a.changes()).filter((c) => c.startsWith("wg ")), []);
});

t.test("an agent that is killed begins no new horizon", async (t) => {
  await worker.stop();
  await hub.kill();
  await sleep(LEASE_MS);
  t.ok(worker.has(1), "nobody was there to drop them");
  worker.start(hub.nodePort);
  await cluster.isAdrift(3000);
  t.pass("its next life drops them before it dials");
  await cluster.startHub();
  await cluster.isWhole();
});
