import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { type Command, Option } from "commander";
import { keyId } from "../../../proto/dsse/dsse.ts";
import { BuildError } from "../../error.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { RELEASE_FILES } from "../../release/release-files.ts";
import { findPlace, findReleaseFolder, type VerifiedOut, verifyOut } from "../../out/verify-out.ts";
import type { CliIo } from "../cli-io.ts";
import { renderTable } from "../render-table.ts";

interface Options {
  readonly keys?: string;
  readonly releaseKey?: string;
  readonly self?: boolean;
  readonly output: "table" | "json";
}

/** Who says that a release is good. */
interface Trust {
  /** Each counts: after a rotation, older releases have the older one's signature. */
  readonly keys: readonly KeyObject[];
  readonly cluster?: string;
  /** False: the folder itself brought the key. */
  readonly given: boolean;
}

/** `kubedos-build verify`. */
export function addVerify(program: Command, io: CliIo): void {
  program
    .command("verify")
    .summary("compare a release with what was signed")
    .description("Checks every signature, every file's digest, what the documents say of each other, and the index of all releases, without a network.\nThe release key comes from you: a folder can't vouch for itself. Exit code 8 says that something is wrong.")
    .argument("<path>", "a release's folder, or the --out of the builds")
    .option("--keys <dir>", "the cluster's key directory, or your own copy of its public files")
    .option("--release-key <file>", "the release key (PEM)")
    .option("--self", "take the key that the folder brings: only says that the folder agrees with itself")
    .addOption(new Option("-o, --output <format>", "what to print").choices(["table", "json"]).default("table"))
    .addHelpText("after", "\nExamples:\n  kubedos-build verify out --keys keys\n  kubedos-build verify out/demo/0123456789abcdef --release-key release.pub -o json")
    .action(async (path: string, options: Options) => {
      const trust = await readTrust(path, options);
      const place = await findPlace(path, trust.cluster);
      const found = await verifyOut(place, trust.keys, io.report);
      const wrong = found.releases.reduce((sum, r) => sum + r.findings.length, 0) + (found.index?.findings.length ?? 0);
      const said = { ok: wrong === 0, releaseKeys: trust.keys.map(keyId), trusted: trust.given, ...describe(found) };
      io.out(options.output === "json" ? `${JSON.stringify(said)}\n` : renderFound(found));
      if (!trust.given) io.report("only compared with itself: the key came from the folder, so whoever made the folder can have made the key; give --keys or --release-key to know who signed it");
      if (wrong > 0) throw new BuildError("VERIFY_REFUSED", `${path} is not what was signed: ${wrong} thing${wrong === 1 ? " is" : "s are"} wrong`, "take a good copy, or move it away and build again");
    });
}

async function readTrust(path: string, options: Options): Promise<Trust> {
  const given = [options.keys, options.releaseKey, options.self].filter((o) => o !== undefined);
  if (given.length !== 1) throw new BuildError("USAGE", "say whose signature counts: the key in the folder itself proves nothing", "--keys DIR or --release-key FILE; --self only compares the folder with itself");
  if (options.releaseKey !== undefined) return { keys: [ed25519(await readFile(options.releaseKey), options.releaseKey)], given: true };
  const dir = options.keys ?? join(await findReleaseFolder(path), RELEASE_FILES.keys);
  const { releaseKeys, cluster } = await readPublicKeys(dir);
  return { keys: releaseKeys, cluster, given: options.keys !== undefined };
}

function ed25519(pem: Uint8Array, file: string): KeyObject {
  try {
    const key = createPublicKey(Buffer.from(pem));
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw new BuildError("USAGE", `${file} is no public key`, "", { cause });
  }
  throw new BuildError("USAGE", `${file} is no Ed25519 key, so it is no release key`);
}

function describe(found: VerifiedOut): object {
  return {
    releases: found.releases.map(({ dir, release, files, findings }) => ({ dir, id: release?.id ?? null, cluster: release?.cluster ?? null, generation: release?.generation ?? null, files, findings })),
    index: found.index ?? null,
  };
}

function renderFound(found: VerifiedOut): string {
  const rows = found.releases.map((r) => [r.release?.id ?? "?", String(r.release?.generation ?? "?"), String(r.files), r.findings.length === 0 ? "good" : `${r.findings.length} wrong`]);
  const faults = [
    ...found.releases.flatMap((r) => r.findings.map((f) => [f.code, join(relative(join(r.dir, ".."), r.dir), f.file), f.what])),
    ...(found.index?.findings ?? []).map((f) => [f.code, "index.jsonl", f.what]),
  ];
  const index = found.index === undefined ? "" : `index: ${found.index.entries} entr${found.index.entries === 1 ? "y" : "ies"}, head ${found.index.head ?? "unknown"}\n`;
  return renderTable(["RELEASE", "GENERATION", "FILES", "RESULT"], rows) + index + (faults.length === 0 ? "" : `\n${renderTable(["CODE", "FILE", "WHAT"], faults)}`);
}
