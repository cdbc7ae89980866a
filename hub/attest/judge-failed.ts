import { refuseField } from "./refusal.ts";
import { refusedVerdict } from "./refused-verdict.ts";
import type { Verdict } from "./types.ts";

/** The verdict of a check that broke instead of answering; it counts as no (P29b). `why`: what broke, for people. */
export function judgeFailed(why: string): Extract<Verdict, { ok: false }> {
  return refusedVerdict(refuseField("JUDGE_FAILED", "check", { what: "the verifier itself", expected: "an answer", found: why, detail: `A check broke: ${why}` }));
}
