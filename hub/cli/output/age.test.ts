import t from "tap";
import { ageOf, formatAge } from "./age.ts";

t.test("at most two units", async (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [59_999, "59s"],
    [60_000, "1m0s"],
    [192_000, "3m12s"],
    [3_599_999, "59m59s"],
    [3_600_000, "1h0m"],
    [86_399_999, "23h59m"],
    [86_400_000, "1d0h"],
    [400 * 86_400_000, "400d0h"],
    [-1, "-"],
    [Number.NaN, "-"],
    [Number.POSITIVE_INFINITY, "-"],
  ];
  for (const [ms, text] of cases) t.equal(formatAge(ms), text);
});

t.test("never is a dash, and a clock that is a little ahead is no age", async (t) => {
  t.equal(ageOf(0, 1000), "-");
  t.equal(ageOf(2000, 1000), "0s");
  t.equal(ageOf(1000, 43_000), "42s");
});
