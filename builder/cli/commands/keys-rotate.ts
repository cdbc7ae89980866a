import { Argument, type Command, Option } from "commander";
import { ROTATABLE, type Rotatable, rotateKeys } from "../../keys/rotate-keys.ts";
import { defaultCacheDir } from "../../toolchain/ensure-toolchain.ts";
import type { CliIo } from "../cli-io.ts";
import { type KeyOptions, readKeyAccess } from "../key-access.ts";
import { addPassphraseOptions } from "../passphrase.ts";

interface Options extends KeyOptions {
  readonly acceptRisk?: "stranded";
  readonly json?: boolean;
}

/** What a person does after each rotation. */
const NEXT: Readonly<Record<Rotatable, string>> = {
  db: "build a release of a higher generation and deploy it; its variable stores hold the new db",
  kek: "build a release of a higher generation and deploy it; its variable stores hold the new KEK",
  pk: "build a release of a higher generation and deploy it; its variable stores hold the new PK",
  release: "build a release of a higher generation and bring it to every node, then rotate once more to forget the old key",
  root: "issue every operator anew, build a release of a higher generation, end the whole cluster and deploy it",
};

/** `kubedos-build keys rotate`. */
export function addKeysRotate(keys: Command, io: CliIo): void {
  const command = keys
    .command("rotate")
    .summary("replace one key")
    .description("Makes a new key in place of an old one, which stays encrypted under DIR/retired. The next build uses the new one.\nWhat would leave nodes behind that run now is refused unless the risk is named. docs/keys.md says what each rotation means.")
    .addArgument(new Argument("<key>", "which one").choices(ROTATABLE))
    .requiredOption("--keys <dir>", "the cluster's key directory")
    .addOption(new Option("--accept-risk <risk>", "do it although nodes in the field won't take what comes afterwards").choices(["stranded"]))
    .option("--cache <dir>", "where the toolchain is, for keys in a token", defaultCacheDir)
    .option("--json", "print what was done on stdout")
    .addHelpText("after", "\nExamples:\n  kubedos-build keys rotate db --keys keys\n  kubedos-build keys rotate root --keys keys --accept-risk stranded");
  addPassphraseOptions(command).action(async (what: Rotatable, options: Options) => {
    const access = await readKeyAccess(options, io);
    const done = await rotateKeys({ dir: access.dir, access, what, uid: process.getuid?.() ?? 0, now: io.now(), acceptStranded: options.acceptRisk === "stranded" });
    io.report(`${what} of cluster ${done.manifest.cluster} is a new one; the old files are in ${done.retired}`);
    if (done.update !== null) io.report(`${done.update} is the signed update for machines that run already`);
    io.report(`next: ${NEXT[what]}`);
    if (options.json === true) io.out(`${JSON.stringify({ ok: true, rotated: what, retired: done.retired, update: done.update, keys: done.manifest })}\n`);
  });
}
