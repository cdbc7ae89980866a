import type { Command } from "commander";
import { clusterSpecJsonSchema } from "../../../proto/spec/json-schema.ts";
import type { CliIo } from "../cli-io.ts";

/** `kubedos-build spec schema`. */
export function addSpecSchema(spec: Command, io: CliIo): void {
  spec
    .command("schema")
    .summary("print the JSON Schema of a ClusterSpec")
    .description(
      "Prints the JSON Schema (2020-12) of a ClusterSpec, for editors and other programs. It knows the shape of every value;\n" +
        "relations between values, such as addresses that overlap, are checked by `spec validate` alone.",
    )
    .addHelpText("after", '\nExample:\n  kubedos-build spec schema > cluster-spec.schema.json\n  # then, as the first line of a spec: "# yaml-language-server: $schema=cluster-spec.schema.json"')
    .action(() => io.out(`${JSON.stringify(clusterSpecJsonSchema(), null, 2)}\n`));
}
