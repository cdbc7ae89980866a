import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { OPERATOR_ROLES, type OperatorRole } from "../../../proto/pki/operator-role.ts";
import { dnsLabel } from "../../../proto/wire/text.ts";
import { BuildError } from "../../error.ts";
import { issueOperator } from "../../keys/issue-operator.ts";
import { openKeys } from "../../keys/open-keys.ts";
import { defaultCacheDir } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { type KeyOptions, readKeyAccess } from "../key-access.ts";
import { addPassphraseOptions } from "../passphrase.ts";

interface Options extends KeyOptions {
  readonly out: string;
  readonly role: OperatorRole;
  readonly operatorPassphraseFile?: string;
  readonly json?: boolean;
}

/** `kubedos-build operator issue`. */
export function addOperatorIssue(operator: Command, io: CliIo): void {
  const command = operator
    .command("issue")
    .summary("make an operator's key and certificate")
    .description("Makes operator.key, operator.crt (with its issuer) and root.crt: what kubedos-hub's commands need to reach the hub and to sign approvals.")
    .argument("<name>", "the operator's name, a DNS label")
    .requiredOption("--keys <dir>", "the cluster's key directory")
    .requiredOption("--out <dir>", "folder for the files; none of them may exist")
    .addOption(new Option("--role <role>", "what the operator may do: see, decide about machines, or also about pins and releases").choices(OPERATOR_ROLES).default("approver"))
    .option("--cache <dir>", "where the toolchain is, for keys in a token", defaultCacheDir)
    .option("--operator-passphrase-file <file>", "encrypt operator.key with the passphrase in this file")
    .option("--json", "print what was made on stdout")
    .addHelpText("after", "\nExample:\n  kubedos-build operator issue alice --keys keys --out alice --role admin\n  kubedos-build operator issue watch --keys keys --out watch --role read-only");
  addPassphraseOptions(command).action(async (name: string, options: Options) => {
    if (!dnsLabel.safeParse(name).success) throw new BuildError("USAGE", `"${name}" is no lower-case DNS label`);
    const keys = await openKeys(options.keys, await readKeyAccess(options, io));
    const file = options.operatorPassphraseFile;
    const passphrase = file === undefined ? {} : { passphrase: readFileSync(file, "utf8").replace(/\r?\n$/, "") };
    const made = await issueOperator({ keys, name, operatorRole: options.role, out: options.out, now: io.now(), ...passphrase });
    io.report(`operator ${name} (${options.role}) of cluster ${keys.cluster}, until ${made.notAfter.toISOString().slice(0, 10)}, is in ${options.out}`);
    if (options.json === true) io.out(`${JSON.stringify({ ok: true, name, role: options.role, dir: options.out, notAfter: made.notAfter.toISOString() })}\n`);
  });
}
