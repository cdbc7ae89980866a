import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "./migrations.ts";

/**
 * Opens (or makes, mode 0600) the hub's database and brings it to the newest schema. Every commit is on the disk before
 * the call returns (WAL, synchronous=FULL): a killed hub has lost nothing that it told anybody. Throws Error when the
 * file was written by a newer hub.
 *
 * Nobody else writes here, so a lock is a fault: waiting long for it would stop every stream.
 */
export function openDatabase(path: string): DatabaseSync {
  if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 100");
  migrate(db);
  return db;
}

function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new Error(`the database has schema ${version}, this hub knows up to ${MIGRATIONS.length}`);
  }
  for (let step = version; step < MIGRATIONS.length; step++) {
    db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[step]}; PRAGMA user_version = ${step + 1}; COMMIT`);
  }
}
