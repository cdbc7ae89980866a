import { z } from "zod";
import { CliError } from "../cli-error.ts";
import { ALL_CODES, codeText } from "../code-text.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { nodeId } from "../node-id.ts";
import { FORMATS } from "../output/format.ts";
import { codeProse, explainText, nextFor } from "../output/explain-text.ts";
import { codeObject, explanationObject } from "../output/objects.ts";

const CODE = /^[A-Z][A-Z0-9_]*$/;

/** `kubedos-hub explain`: a node's refusal event by event, or a code in words. */
export const explain = command({
  path: ["explain"],
  summary: "say in words why a node is where it is, or what a code means",
  about:
    "For a node: which PCR and which event differ from the release, expected and found, the usual cause and the next command. " +
    "For a CODE in capitals: its meaning; that needs no hub.",
  args: [{ name: "subject", what: "id or name of a node, or a CODE" }],
  options: [],
  connects: true,
  formats: FORMATS,
  examples: [
    ["explain 3f2a9c01", "why this machine was rejected"],
    ["explain PCR_MISMATCH", "what this code means and what to do"],
    ["explain 3f2a9c01 -o json", "every finding with pcr, index, expected and found"],
  ],
  input: z.strictObject({ subject: z.union([z.string().regex(CODE), nodeId], { error: "must be a node's id or name, or a CODE in capitals" }) }),
  async run(input, context) {
    return CODE.test(input.subject) ? explainCode(input.subject, context) : await explainNode(input.subject, context);
  },
});

function explainCode(code: string, context: Context): ExitCode {
  const words = codeText(code);
  if (words === undefined) {
    const near = ALL_CODES.filter((c) => c.includes(code) || code.includes(c) || code.split("_").some((part) => part.length > 3 && c.includes(part)));
    const hint = near.length === 0 ? "" : `; near it: ${near.slice(0, 5).join(", ")}`;
    throw CliError.local("UNKNOWN_CODE", `there is no code ${code}${hint}`, near[0] === undefined ? null : `kubedos-hub explain ${near[0]}`);
  }
  context.print({ object: codeObject(code, words), names: [code], human: () => codeProse(code, words) });
  return EXIT.ok;
}

async function explainNode(id: string, context: Context): Promise<ExitCode> {
  const response = await (await context.hub()).explain(id);
  const node = response.node;
  if (node === undefined) throw CliError.local("NOT_FOUND", `the hub knows no node ${id}`, "kubedos-hub nodes");
  const next = nextFor(node);
  context.print({
    object: explanationObject(response, next),
    names: [node.id],
    human: (style) => explainText(response, node, next, style.now),
  });
  return EXIT.ok;
}
