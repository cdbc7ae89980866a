import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { cidr } from "../../../proto/spec/address.ts";
import { SpecError } from "../../../proto/spec/error.ts";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { BuildError } from "../../error.ts";
import { projectDir } from "../../release/source-digest.ts";
import { makeSpecText } from "../../spec/make-spec-text.ts";
import { readRoles } from "../../roles/read-roles.ts";
import { checkSpec } from "../../spec/read-spec.ts";
import type { RoleFacts } from "../../spec/role-problems.ts";
import { parseRoleCounts } from "../../spec/role-counts.ts";
import type { CliIo } from "../cli-io.ts";

interface Options {
  readonly name: string;
  readonly nodes: string;
  readonly lan: string;
  readonly example?: string;
}

/** `kubedos-build spec init`. */
export function addSpecInit(spec: Command, io: CliIo): void {
  spec
    .command("init")
    .summary("write a ClusterSpec to start from")
    .description("Writes a spec with comments, from a number of nodes for each role or from one of the examples. A file that is there already stays as it is.")
    .argument("<file>", "the file to be written (YAML)")
    .requiredOption("--name <name>", "name of the cluster")
    .option("--nodes <counts>", "nodes of each role", "master=1,worker=2")
    .option("--lan <cidr>", "network in which the nodes reach each other", "10.100.10.0/24")
    .addOption(new Option("--example <name>", "start from this example instead").choices(["demo", "16-node"]).conflicts(["nodes", "lan"]))
    .addHelpText("after", "\nExamples:\n  kubedos-build spec init lab.yaml --name lab --nodes master=1,etcd=3,cp=3,worker=5,lb=2\n  kubedos-build spec init lab.yaml --name lab --example 16-node")
    .action(async (file: string, options: Options) => {
      if (!dnsLabel.safeParse(options.name).success) throw new BuildError("USAGE", `--name: "${options.name}" is no lower-case DNS label`);
      const roles = await readRoles(file);
      const text = options.example === undefined ? made(options, file, roles) : await exampleText(options.example, options.name);
      if (options.example !== undefined) checkSpec(text, file, roles);
      await writeFile(file, text, { flag: "wx" }).catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "EEXIST") throw new BuildError("FILE_EXISTS", `${file} is there already`, "name another file", { cause: error });
        throw error;
      });
      io.report(`${file} is written; next: kubedos-build spec show ${file}`);
    });
}

/** Whatever the options make is checked before it is written; what is wrong then is wrong with an option. */
function made({ name, nodes, lan }: Options, file: string, roles: readonly RoleFacts[]): string {
  const counts = parseRoleCounts(nodes);
  const net = cidr.safeParse(lan);
  if (!net.success) throw new BuildError("USAGE", `--lan ${lan}: ${net.error.issues[0]?.message ?? "is no IPv4 network"}`);
  try {
    const text = makeSpecText({ cluster: name, nodes: counts, lan });
    checkSpec(text, file, roles);
    return text;
  } catch (cause) {
    if (cause instanceof SpecError) throw new BuildError("USAGE", `--nodes ${nodes} --lan ${lan}: ${cause.problem}`, cause.hint, { cause });
    throw cause;
  }
}

async function exampleText(example: string, name: string): Promise<string> {
  return (await readFile(join(projectDir, "examples", `${example}.yaml`), "utf8")).replace(/^ {2}name: .*$/m, `  name: ${name}`);
}
