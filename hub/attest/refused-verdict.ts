import { toFinding } from "./finding.ts";
import type { Refusal } from "./refusal.ts";
import type { Verdict } from "./types.ts";

/** The verdict that a refusal is, its differences put into words. */
export function refusedVerdict({ code, message, differences }: Refusal): Extract<Verdict, { ok: false }> {
  return { ok: false, code, message, findings: differences.map(toFinding) };
}
