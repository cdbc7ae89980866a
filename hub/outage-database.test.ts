import { execFileSync } from "node:child_process";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { unary } from "../test/fakes/admin-client.ts";
import { LEASE_MS, LeaseCluster } from "../test/fakes/lease-cluster.ts";

t.setTimeout(170_000);
const cluster = await LeaseCluster.start();
t.teardown(() => cluster.end());
const { hub } = cluster;
const path = join(cluster.world.dir, "hub.db");
const files = ["", "-wal", "-shm"];

/** Takes the database away; gives what brings it back. */
const faults: readonly [string, () => () => void][] = [
  [
    "locked by somebody",
    () => {
      const db = new DatabaseSync(path);
      db.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
      return () => {
        db.exec("ROLLBACK");
        db.close();
      };
    },
  ],
  [
    "replaced by another file",
    () => {
      for (const end of files) renameSync(`${path}${end}`, `${path}${end}.away`);
      const other = new DatabaseSync(path);
      other.exec("PRAGMA user_version = 1");
      other.close();
      return () => {
        for (const end of files) renameSync(`${path}${end}.away`, `${path}${end}`);
      };
    },
  ],
  [
    "on a disk that takes no write",
    () => {
      execFileSync("prlimit", [`--pid=${hub.pid}`, "--fsize=1:"]);
      return () => void execFileSync("prlimit", [`--pid=${hub.pid}`, "--fsize=unlimited:"]);
    },
  ],
];

for (const [name, take] of faults) {
  t.test(`the database is ${name}`, async (t) => {
    const give = take();
    let given = false;
    t.teardown(() => (given ? undefined : give()));
    await sleep(LEASE_MS - 2500);
    t.ok(cluster.agents.every((a) => a.has(1)), "before the horizon the last good map counts, and nobody is removed");
    await t.rejects(hub.admin((c) => unary(c, "openWindow", { seconds: 60, max: 1 })), { code: "INTERNAL" }, "nothing is decided");
    await cluster.isAdrift(LEASE_MS);
    t.pass("after it nobody uses a peer: no verdict was renewed");
    give();
    given = true;
    await cluster.isWhole(40_000);
    const { intact, rows } = await hub.admin((c) => unary(c, "listAudit", { limit: 1000 }));
    t.ok(intact, "the audit is whole");
    t.notOk(rows.some((r) => r.action === "reject" || r.action === "remove"), "no machine was blamed for it");
  });
}
