import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { type Command, Option } from "commander";
import { keyId } from "../../../proto/dsse/dsse.ts";
import { BUNDLE } from "../../bundle/make-bundle.ts";
import { isBundle, verifyBundle } from "../../bundle/verify-bundle.ts";
import { BuildError } from "../../error.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { RELEASE_FILES } from "../../release/release-files.ts";
import { findPlace, findReleaseFolder, type VerifiedOut, verifyOut } from "../../out/verify-out.ts";
import type { CliIo } from "../cli-io.ts";
import { describeBundle, renderBundle } from "../render-bundle.ts";
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
    .summary("compare a release or a recovery bundle with what was signed")
    .description("Checks every signature, every file's digest, what the documents say of each other, and the index of all releases, without a network. Of a recovery bundle also every file of its list, the lock and what it names; what that leaves open is said, and only kubedos-build rebuild answers it.\nThe release key comes from you: a folder can't vouch for itself. Exit code 8 says that something is wrong.")
    .argument("<path>", "a release's folder, the --out of the builds, or a recovery bundle")
    .option("--keys <dir>", "the cluster's key directory, or your own copy of its public files")
    .option("--release-key <file>", "the release key (PEM)")
    .option("--self", "take the key that the folder brings: only says that the folder agrees with itself")
    .addOption(new Option("-o, --output <format>", "what to print").choices(["table", "json"]).default("table"))
    .addHelpText("after", "\nExamples:\n  kubedos-build verify out --keys keys\n  kubedos-build verify out/demo/0123456789abcdef --release-key release.pub -o json\n  kubedos-build verify /media/usb/bundle --keys keys")
    .action(async (path: string, options: Options) => {
      const trust = await readTrust(path, options);
      const { wrong, shown } = isBundle(path) ? await checkBundle(path, trust, options, io) : await checkOut(path, trust, options, io);
      io.out(shown);
      if (!trust.given) io.report("only compared with itself: the key came from the folder, so whoever made the folder can have made the key; give --keys or --release-key to know who signed it");
      if (wrong > 0) throw new BuildError("VERIFY_REFUSED", `${path} is not what was signed: ${wrong} thing${wrong === 1 ? " is" : "s are"} wrong`, "take a good copy, or move it away and build again");
    });
}

/** How many things are wrong, and what is printed. */
interface Checked {
  readonly wrong: number;
  readonly shown: string;
}

async function checkOut(path: string, trust: Trust, options: Options, io: CliIo): Promise<Checked> {
  const found = await verifyOut(await findPlace(path, trust.cluster), trust.keys, io.report);
  const wrong = found.releases.reduce((sum, r) => sum + r.findings.length, 0) + (found.index?.findings.length ?? 0);
  return { wrong, shown: options.output === "json" ? json(wrong, trust, describe(found)) : renderFound(found) };
}

async function checkBundle(dir: string, trust: Trust, options: Options, { report, signal }: CliIo): Promise<Checked> {
  const found = await verifyBundle({ dir, releaseKeys: trust.keys, report, signal });
  const wrong = found.findings.length;
  return { wrong, shown: options.output === "json" ? json(wrong, trust, describeBundle(found)) : renderBundle(found) };
}

function json(wrong: number, { keys, given }: Trust, found: object): string {
  return `${JSON.stringify({ ok: wrong === 0, releaseKeys: keys.map(keyId), trusted: given, ...found })}\n`;
}

async function readTrust(path: string, options: Options): Promise<Trust> {
  const given = [options.keys, options.releaseKey, options.self].filter((o) => o !== undefined);
  if (given.length !== 1) throw new BuildError("USAGE", "say whose signature counts: the key in the folder itself proves nothing", "--keys DIR or --release-key FILE; --self only compares the folder with itself");
  if (options.releaseKey !== undefined) return { keys: [ed25519(await readFile(options.releaseKey), options.releaseKey)], given: true };
  const dir = options.keys ?? join(isBundle(path) ? join(path, BUNDLE.release) : await findReleaseFolder(path), RELEASE_FILES.keys);
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
