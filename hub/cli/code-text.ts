import { ATTEST_CODES } from "../attest/codes.ts";
import { HUB_CODES } from "../codes.ts";
import { CLI_CODES } from "./cli-codes.ts";

/** A code in words, from whichever table has it. */
export interface ExplainedCode {
  readonly text: string;
  readonly cause: string;
  /** null where the cause already says what to do. */
  readonly next: string | null;
}

/** All codes that `kubedos-hub explain CODE` knows, sorted. */
export const ALL_CODES: readonly string[] = [...Object.keys(ATTEST_CODES), ...Object.keys(HUB_CODES), ...Object.keys(CLI_CODES)].sort();

/** The words for a code; undefined where no table has it. */
export function codeText(code: string): ExplainedCode | undefined {
  if (Object.hasOwn(ATTEST_CODES, code)) return { ...ATTEST_CODES[code as keyof typeof ATTEST_CODES], next: null };
  const own: Readonly<Record<string, ExplainedCode>> = { ...HUB_CODES, ...CLI_CODES };
  return Object.hasOwn(own, code) ? own[code] : undefined;
}
