import t from "tap";
import { HUB_PROCESS } from "../test/fakes/hub-child.ts";
import { killLine } from "../test/fakes/kill-line.ts";

t.setTimeout(120_000);

t.test("kill -9 after each step", async (t) => {
  await killLine(t, [process.execPath, HUB_PROCESS]);
});
