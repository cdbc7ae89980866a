import { status } from "@grpc/grpc-js";
import t from "tap";
import { ATTEST_CODES } from "../attest/codes.ts";
import { exitFor } from "./exit-codes.ts";

t.test("the code decides, then the status, then 1", async (t) => {
  const cases: readonly (readonly [string, status | null, number])[] = [
    ["NOT_FOUND", status.INTERNAL, 3],
    ["CONFLICT", null, 4],
    ["READ_ONLY", status.PERMISSION_DENIED, 5],
    ["UNAVAILABLE", null, 6],
    ["TIMED_OUT", status.DEADLINE_EXCEEDED, 7],
    ["UNANCHORED", status.FAILED_PRECONDITION, 8],
    ["A_CODE_OF_TOMORROW", status.FAILED_PRECONDITION, 8],
    ["A_CODE_OF_TOMORROW", status.NOT_FOUND, 3],
    ["A_CODE_OF_TOMORROW", status.OK, 1],
    ["A_CODE_OF_TOMORROW", null, 1],
    ["constructor", null, 1],
    ["__proto__", null, 1],
  ];
  for (const [code, grpc, exit] of cases) t.equal(exitFor(code, grpc), exit, `${code} ${grpc}`);
});

t.test("every code of the verdict is a refusal", async (t) => {
  for (const code of Object.keys(ATTEST_CODES)) t.equal(exitFor(code, status.FAILED_PRECONDITION), 8, code);
});
