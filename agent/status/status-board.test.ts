import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { createFiles } from "../host/files.ts";
import { PATHS } from "../paths.ts";
import type { Clock, Files } from "../ports.ts";
import { StatusBoard } from "./status-board.ts";

const clock: Clock = { now: () => new Date(), uptime: () => 1, bootTime: () => 1, sleep: (ms) => sleep(ms / 50) };

t.test("a status that changes while it is being written: one write at a time, the newest last", async (t) => {
  const written: string[] = [];
  const seen = { writing: 0, most: 0 };
  const write: Files["write"] = async (_, data) => {
    seen.most = Math.max(seen.most, ++seen.writing);
    await sleep(20);
    written.push((JSON.parse(new TextDecoder().decode(data)) as { role: string }).role);
    seen.writing--;
  };
  const board = new StatusBoard({ files: { write } as Files, clock, log: { line: () => undefined } });
  for (let n = 1; n <= 10; n++) {
    board.update({ role: String(n) });
    await sleep(5);
  }
  await board.flush();
  t.equal(seen.most, 1, "never two");
  t.equal(written.at(-1), "10", "the newest is on file when flush resolves");
  t.ok(written.length < 10, "and changes within a moment are one write");
  board.update({ role: "11" });
  await board.flush();
  t.equal(written.at(-1), "11", "also after a rest");
});

t.test("on a real file system a reader never meets half of it", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "kubedos-status-"));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const file = join(dir, PATHS.status);
  const board = new StatusBoard({ files: createFiles(dir), clock, log: { line: () => undefined } });
  board.update({});
  await board.flush();
  for (let n = 0; n < 300; n++) {
    board.update({ role: "x".repeat(n * 100) });
    await sleep(0);
    const status = JSON.parse(readFileSync(file, "utf8")) as { kind: string };
    if (status.kind !== "kubedos/status") t.fail(`it holds ${status.kind}`);
  }
  await board.flush();
  t.equal((JSON.parse(readFileSync(file, "utf8")) as { role: string }).role.length, 29_900);
});
