import { type Command, Option } from "commander";
import { stringify } from "yaml";
import { nearest } from "../../../proto/spec/nearest.ts";
import type { ClusterSpec } from "../../../proto/spec/schema.ts";
import { specDocument } from "../../../proto/spec/write-spec.ts";
import { BuildError } from "../../error.ts";
import { type NodeFacts, nodeFacts } from "../../spec/node-facts.ts";
import { showNode, showSpec } from "../show-spec.ts";
import type { CliIo } from "../cli-io.ts";
import { readSpec } from "./spec-validate.ts";

interface Options {
  readonly output: "table" | "json" | "yaml";
  readonly node?: string;
}

/** `kubedos-build spec show`. */
export function addSpecShow(spec: Command, io: CliIo): void {
  spec
    .command("show")
    .summary("print a ClusterSpec with every default and address")
    .description("Prints what a spec comes to: every default, and each node's address in each plane. As YAML or JSON it is a ClusterSpec again, with nothing left out.")
    .argument("<file>", "the ClusterSpec (YAML)")
    .addOption(new Option("-o, --output <format>", "how to print it").choices(["table", "json", "yaml"]).default("table"))
    .option("--node <name>", "only this node, with all that follows for it")
    .addHelpText("after", "\nExamples:\n  kubedos-build spec show examples/16-node.yaml\n  kubedos-build spec show examples/16-node.yaml --node cp-1 -o json")
    .action(async (file: string, { output, node }: Options) => {
      const parsed = await readSpec(file);
      if (node === undefined) io.out(output === "table" ? showSpec(parsed) : render(specDocument(parsed), output));
      else io.out(output === "table" ? showNode(factsOf(parsed, node)) : render(factsOf(parsed, node), output));
    });
}

function render(value: object, output: "json" | "yaml"): string {
  return output === "json" ? `${JSON.stringify(value, null, 2)}\n` : stringify(value);
}

function factsOf(spec: ClusterSpec, name: string): NodeFacts {
  const node = spec.topology.nodes.find((n) => n.name === name);
  if (node !== undefined) return nodeFacts(spec, node);
  const near = nearest(name, spec.topology.nodes.map((n) => n.name));
  throw new BuildError("UNKNOWN_NODE", `the spec has no node "${name}"`, near === undefined ? "" : `did you mean ${near}?`);
}
