import { ATTEST_CODES } from "../attest/codes.ts";
import { HUB_CODES } from "../codes.ts";
import { CLI_CODES } from "./cli-codes.ts";

/** A code in words, from whichever table has it. */
export interface ExplainedCode {
  readonly text: string;
  readonly cause: string;
  /** The next step; ID stands for the node's. */
  readonly next: string;
}

const WORDS: Readonly<Record<string, ExplainedCode>> = { ...ATTEST_CODES, ...HUB_CODES, ...CLI_CODES };

/** All codes that `kubedos-hub explain CODE` knows, sorted. */
export const ALL_CODES: readonly string[] = [...Object.keys(ATTEST_CODES), ...Object.keys(HUB_CODES), ...Object.keys(CLI_CODES)].sort();

/** The words for a code; undefined where no table has it. */
export function codeText(code: string): ExplainedCode | undefined {
  return Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
}
