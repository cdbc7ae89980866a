import t from "tap";
import { durationText } from "./duration.ts";

t.test("a number and a unit", async (t) => {
  for (const [text, seconds] of [["90s", 90], ["15m", 900], ["24h", 86_400], ["7d", 604_800], ["1s", 1]] as const) t.equal(durationText.parse(text), seconds);
});

t.test("near misses", async (t) => {
  for (const text of ["", "10", "m", "0s", "-5m", "1.5h", "5M", "5 m", "5m ", "1h30m", "9999999s", "1e3s", "٥m"]) t.notOk(durationText.safeParse(text).success, JSON.stringify(text));
});
