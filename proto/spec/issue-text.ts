import type { z } from "zod";
import { nearest } from "./nearest.ts";

/** What a value of the wrong kind should have been. */
const KINDS: Readonly<Record<string, string>> = {
  number: "a whole number",
  int: "a whole number",
  string: "text",
  boolean: "true or false",
  object: "a map of keys and values",
  record: "a map of keys and values",
  array: "a list",
};

/** Unit of a length. */
const UNITS: Readonly<Record<string, string>> = { array: " items", string: " characters" };

/** What is wrong with a value, as the end of "KEY: …", and what was perhaps meant. Our schemas' own messages stay; those of the library are put into words for people. */
export function issueText(issue: z.core.$ZodIssue): { readonly message: string; readonly hint: string } {
  const own = !/^(Invalid|Too big|Too small)/.test(issue.message);
  if (!own && issue.code === "invalid_type" && KINDS[issue.expected] !== undefined) return { message: `must be ${KINDS[issue.expected]}`, hint: issue.expected === "string" ? "put it in quotes" : "" };
  if (!own && issue.code === "too_big") return { message: bound("at most", issue.maximum, issue.origin), hint: "" };
  if (!own && issue.code === "too_small") return { message: bound("at least", issue.minimum, issue.origin), hint: "" };
  if (!own && issue.code === "invalid_value") return oneOf(issue.values.map(String), issue.input);
  return { message: `${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`, hint: "" };
}

function bound(word: string, limit: number | bigint, origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? `must be ${word} ${limit}` : `must have ${word} ${limit}${unit}`;
}

function oneOf(values: readonly string[], input: unknown): { readonly message: string; readonly hint: string } {
  const near = typeof input === "string" ? nearest(input, values) : undefined;
  return { message: values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(", ")}`, hint: near === undefined || values.length === 1 ? "" : `did you mean "${near}"?` };
}
