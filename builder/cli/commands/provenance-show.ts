import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { parseEnvelope } from "../../../proto/dsse/dsse.ts";
import { fromBase64 } from "../../../proto/wire/base64.ts";
import { parseProvenance, type Provenance } from "../../provenance/statement.ts";
import { RELEASE_FILES } from "../../release/release-files.ts";
import { findReleaseFolder } from "../../out/verify-out.ts";
import type { CliIo } from "../cli-io.ts";
import { renderTable } from "../render-table.ts";

interface Options {
  readonly output: "table" | "json";
}

/** `kubedos-build provenance show`. */
export function addProvenanceShow(provenance: Command, io: CliIo): void {
  provenance
    .command("show")
    .summary("print what a release was made of")
    .description("Prints a release's provenance: its inputs with their digests and the files that came out. kubedos-build verify says whether it is what was signed.")
    .argument("<path>", "a release's folder, or the --out of the builds: then the newest release")
    .addOption(new Option("-o, --output <format>", "a table, or the in-toto statement").choices(["table", "json"]).default("table"))
    .addHelpText("after", "\nExamples:\n  kubedos-build provenance show out\n  kubedos-build provenance show out/demo/0123456789abcdef -o json | jq .predicate.buildDefinition.externalParameters")
    .action(async (path: string, options: Options) => {
      const envelope = parseEnvelope(await readFile(join(await findReleaseFolder(path), RELEASE_FILES.provenance)));
      const payload = fromBase64(envelope.payload);
      const statement = parseProvenance(payload);
      io.out(options.output === "json" ? `${new TextDecoder().decode(payload)}\n` : renderStatement(statement));
    });
}

function renderStatement({ subject, predicate }: Provenance): string {
  const { externalParameters: said, internalParameters, resolvedDependencies } = predicate.buildDefinition;
  const { builder } = predicate.runDetails;
  const facts: readonly (readonly [string, string])[] = [
    ["release", `${internalParameters.release}, generation ${said.generation} of cluster ${said.cluster}`],
    ["epoch", String(said.epoch)],
    ["builder", `kubedos-build ${builder.version["kubedos-build"]}`],
    ["signed by", builder.builderDependencies[0]?.digest.sha256 ?? ""],
    ["roles", said.roles.map((r) => r.name).join(", ")],
  ];
  const inputs = resolvedDependencies.map((d) => ["in", d.digest.sha256.slice(0, 16), d.uri ?? d.name]);
  const outputs = subject.map((s) => ["out", s.digest.sha256.slice(0, 16), s.name]);
  return `${facts.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join("")}\n${renderTable(["", "SHA-256", "WHAT"], [...inputs, ...outputs])}`;
}
