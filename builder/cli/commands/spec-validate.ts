import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { parseClusterSpec } from "../../../proto/spec/parse.ts";
import type { ClusterSpec } from "../../../proto/spec/schema.ts";
import { readEkTrust } from "../../deploy/read-ek-trust.ts";
import type { CliIo } from "../cli-io.ts";

/** Reads and checks a spec file. Throws SpecError, or the file system's error. */
export async function readSpec(file: string): Promise<ClusterSpec> {
  return parseClusterSpec(await readFile(file, "utf8"), file);
}

/** `kubedos-build spec validate`. */
export function addSpecValidate(spec: Command, io: CliIo): void {
  spec
    .command("validate")
    .summary("check a ClusterSpec")
    .description("Reads a ClusterSpec, and the certificates that it names, and says what is wrong: file, line, column, and what would be right.")
    .argument("<file>", "the ClusterSpec (YAML)")
    .option("--json", "print the spec with all defaults on stdout")
    .addHelpText("after", "\nExample:\n  kubedos-build spec validate examples/demo.yaml")
    .action(async (file: string, options: { readonly json?: boolean }) => {
      const spec = await readSpec(file);
      const ekTrust = await readEkTrust(spec, file, io.now());
      const makers = ekTrust === null ? "" : `; EK certificates count under ${ekTrust.roots.length} root(s) with ${ekTrust.intermediates.length} intermediate(s)`;
      io.report(`${file} is a good spec: cluster ${spec.metadata.name}, ${spec.topology.nodes.length} nodes, roles ${spec.topology.roles.join(", ")}${makers}`);
      if (options.json === true) io.out(`${JSON.stringify({ ok: true, spec })}\n`);
    });
}
