import type { Command } from "commander";
import type { ClusterSpec } from "../../../proto/spec/schema.ts";
import { specDocument } from "../../../proto/spec/write-spec.ts";
import { readEkTrust } from "../../deploy/read-ek-trust.ts";
import { readSpecFile } from "../../spec/read-spec.ts";
import { unusedKeys } from "../../spec/unused-keys.ts";
import type { Report } from "../../toolchain/report.ts";
import type { CliIo } from "../cli-io.ts";
import { describeFault } from "../describe-faults.ts";

/** Reads and checks a spec file; with `report`, what its author should know is said there. Throws SpecError, or the file system's error. */
export async function readSpec(file: string, report?: Report): Promise<ClusterSpec> {
  const { spec, notes } = await readSpecFile(file);
  if (report !== undefined) for (const note of notes) report(`note: ${describeFault(file, note)}`);
  return spec;
}

/** `kubedos-build spec validate`. */
export function addSpecValidate(spec: Command, io: CliIo): void {
  spec
    .command("validate")
    .summary("check a ClusterSpec")
    .description("Reads a ClusterSpec, the roles and the certificates that it names, and says what is wrong: file, line, column, and what would be right.")
    .argument("<file>", "the ClusterSpec (YAML)")
    .option("--json", "print the result on stdout: the spec with all defaults, or each fault")
    .addHelpText("after", "\nExamples:\n  kubedos-build spec validate examples/demo.yaml\n  kubedos-build spec validate examples/16-node.yaml --json")
    .action(async (file: string, options: { readonly json?: boolean }) => {
      const { spec, notes } = await readSpecFile(file);
      const ekTrust = await readEkTrust(spec, file, io.now());
      const makers = ekTrust === null ? "" : `; EK certificates count under ${ekTrust.roots.length} root(s) with ${ekTrust.intermediates.length} intermediate(s)`;
      for (const note of notes) io.report(`note: ${describeFault(file, note)}`);
      const unused = unusedKeys(spec);
      if (unused.length > 0) io.report(`note: this version checks these keys and doesn't act on them (docs/spec.md): ${unused.join(", ")}`);
      io.report(`${file} is a good spec: cluster ${spec.metadata.name}, ${spec.topology.nodes.length} nodes, roles ${spec.topology.roles.join(", ")}${makers}`);
      if (options.json === true) io.out(`${JSON.stringify({ ok: true, spec: specDocument(spec), notes, unused })}\n`);
    });
}
