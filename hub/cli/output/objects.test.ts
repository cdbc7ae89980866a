import t from "tap";
import { findingObject, windowObject } from "./objects.ts";

const finding = { code: "PCR_MISMATCH", what: "", expected: "", found: "", cause: "", eventType: "", field: "" };

t.test("no PCR and no event are null, whatever integer stands for them", async (t) => {
  const cases: readonly (readonly [pcr: number, index: number, wantPcr: number | null, wantIndex: number | null])[] = [
    [11, 0, 11, 0],
    [0, 7, 0, 7],
    [23, 1, 23, 1],
    [24, 1, null, 1],
    [0xffff_ffff, 0xffff_ffff, null, null],
    [-1, -1, null, null],
  ];
  for (const [pcr, index, wantPcr, wantIndex] of cases) t.match(findingObject({ ...finding, pcr, index }), { pcr: wantPcr, index: wantIndex });
  t.match(findingObject({ ...finding, field: "claims.tls" }), { pcr: null, index: null, eventType: null, field: "claims.tls" });
  t.match(findingObject({ ...finding, pcr: 0 }), { pcr: 0, index: null, field: null });
});

t.test("numbers of a hub gone mad stay JSON", async (t) => {
  const w = windowObject({ open: true, expiresMs: 2n ** 63n - 1n, remaining: 1, openedBy: "x" });
  t.equal(w["expiresMs"], Number.MAX_SAFE_INTEGER);
  t.doesNotThrow(() => JSON.stringify(w));
});
