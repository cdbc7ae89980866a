import { tmpdir } from "node:os";
import t from "tap";
import { findShortage, freeBytes, watchRoom } from "./disk-room.ts";

const GIB = 2 ** 30;

t.test("a folder without room is named, with both figures; with room, nothing is said", async (t) => {
  const free = (folder: string): number => (folder === "/small" ? 3 * GIB : 40 * GIB);
  t.equal(findShortage(["/large"], 14 * GIB, free), null);
  const said = findShortage(["/large", "/small"], 14 * GIB, free);
  t.match(said, /^\/small has 3\.0 GiB free, and the whole run needs 14\.0 GiB/);
});

t.test("the room of a real file system is read, and the least of it is kept", async (t) => {
  t.ok(freeBytes(tmpdir()) > 0);
  t.equal(findShortage([tmpdir()], 1), null);
  t.match(findShortage([tmpdir()], Number.MAX_SAFE_INTEGER), /Make room/);
  t.ok(watchRoom([tmpdir()]).stop() > 0);
});
