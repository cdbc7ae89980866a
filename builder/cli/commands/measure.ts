import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import type { PcrRule } from "../../../proto/release/release.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { valueAfter, wordDigest } from "../../measure/event.ts";
import { predictPcrs } from "../../measure/predict.ts";
import type { CliIo } from "../cli-io.ts";

/** `kubedos-build measure`. */
export function addMeasure(program: Command, io: CliIo): void {
  program
    .command("measure")
    .summary("say what a TPM will hold after booting a UKI")
    .description("Predicts the PCRs of a QEMU guest that boots this signed UKI with this cluster's Secure Boot keys, from the files alone.")
    .argument("<uki>", "a signed UKI, out/<cluster>/<id>/<role>/uki.efi")
    .requiredOption("--keys <dir>", "the cluster's key directory, or a release's folder keys; only public files are read")
    .option("--stub-version <version>", "systemd-stub's version, 257 or 257.13; else what the file says of itself", majorVersion)
    .option("--json", "print the rules as one object on stdout")
    .addHelpText("after", "\nExample:\n  kubedos-build measure out/demo/0123456789abcdef/worker/uki.efi --keys keys\n  kubedos-build measure uki.efi --keys keys --stub-version 255")
    .action(async (file: string, options: { readonly keys: string; readonly stubVersion?: number; readonly json?: boolean }) => {
      const pcrs = predictPcrs(await readFile(file), await readPublicKeys(options.keys), options.stubVersion);
      io.out(options.json === true ? `${JSON.stringify({ ok: true, pcrs })}\n` : Object.entries(pcrs).map(([pcr, rule]) => describe(pcr, rule)).join(""));
    });
}

function majorVersion(text: string): number {
  if (!/^\d{1,4}(\.\d+)*([-~].*)?$/.test(text)) throw new InvalidArgumentError("It must be a version like 257 or 257.13.");
  return Number.parseInt(text, 10);
}

function describe(pcr: string, rule: PcrRule): string {
  const head = `PCR ${pcr.padStart(2)}  ${rule.rule.padEnd(8)}  `;
  switch (rule.rule) {
    case "exact":
      return `${head}${rule.value}\n${listEvents(rule.events)}`;
    case "words":
      return `${head}${valueAfter(rule.events)}\n${listEvents(rule.events)}${listWords(rule)}`;
    case "zero":
      return `${head}${"0".repeat(64)}\n`;
    case "pinned":
      return `${head}recorded when the machine is approved\n`;
    case "replayed":
      return `${head}explained by the event log\n`;
    case "secure-boot":
      return `${head}our keys alone, and ${rule.dbxFloor.length} forbidden at least\n`;
    default:
      return rule satisfies never;
  }
}

function listEvents(events: readonly { readonly type: string; readonly digest: string; readonly what: string }[]): string {
  return events.map((e) => `          ${e.digest}  ${e.type}: ${e.what}\n`).join("");
}

/** The value after each word, since that is what a TPM shows. */
function listWords(rule: Extract<PcrRule, { readonly rule: "words" }>): string {
  const digests: { digest: string }[] = [...rule.events];
  return rule.words
    .map((word) => {
      digests.push({ digest: toHex(wordDigest(word)) });
      return `          ${valueAfter(digests)}  after ${word}\n`;
    })
    .join("");
}
