import type { Bank, BankName } from "../../proto/eventlog/bank.ts";
import { bankIndex, type UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { canHash, extendAll, initialPcr, isExtended } from "../../proto/eventlog/replay.ts";
import { digest, type HashAlg, hashName } from "../../proto/tpm/alg.ts";
import { fromHex, toHex } from "../../proto/wire/hex.ts";
import { ATTEST_CODES } from "./codes.ts";
import type { FieldDifference } from "./difference.ts";
import type { EvidenceField } from "./finding.ts";
import type { MeasuredEvent, MeasuredEvents } from "./measured-boot.ts";
import { Refusal, refuseEvent, refuseField } from "./refusal.ts";

/** The log has the bank that is quoted (P20). SHA-1 alone is no log to judge by. Throws Refusal `SHA1_ONLY` or `LOG_WITHOUT_SHA256`. */
export function checkHasBank(log: UnverifiedEventLog): void {
  const code = log.banks.every((b) => b.name === "sha1") ? "SHA1_ONLY" : log.banks.some((b) => b.name === "sha256") ? null : "LOG_WITHOUT_SHA256";
  if (code === null) return;
  throw refuseField(code, "firmwareLog.banks", { what: "banks of the firmware's log", expected: "sha256 among them", found: log.banks.map((b) => b.name).join(", ") || "none" });
}

/**
 * The quote covers exactly the banks that the log announces (P20): one that the quote leaves out could hold anything, and one that the log doesn't
 * know was left to whoever wanted to fill it. SHA-1 is no exception: it proves nothing, but where it is on it must fit like the others.
 * Throws Refusal `BANK_UNQUOTED` or `BANK_UNLOGGED`.
 */
export function checkQuotedBanks(log: UnverifiedEventLog, quoted: readonly HashAlg[]): void {
  const announced = log.banks.map((b) => b.id);
  const unquoted = announced.filter((bank) => !quoted.includes(bank));
  const unlogged = quoted.filter((bank) => !announced.includes(bank));
  const refusal =
    refuseBanks("BANK_UNQUOTED", "quote.selection", unquoted, { expected: `a quote over ${listOf(announced)}, which the log announces`, found: `a quote over ${listOf(quoted)}` }) ??
    refuseBanks("BANK_UNLOGGED", "firmwareLog.banks", unlogged, { expected: `a log of ${listOf(quoted)}, which the quote covers`, found: `a log of ${listOf(announced)}` });
  if (refusal !== null) throw refusal;
}

/**
 * Values of the quoted PCRs in one bank that isn't judged, by ascending PCR. Throws Refusal `BANK_INCONSISTENT` where a record of
 * userspace doesn't tell the bank, and Error where this build hasn't the hash: bun's has no SM3.
 */
export function replayBank(log: UnverifiedEventLog, bank: Bank, events: MeasuredEvents): ReadonlyMap<number, Uint8Array> {
  if (!canHash(bank.name)) throw new Error(`this build can't compute ${bank.name}, which the log announces`);
  const at = bankIndex(log, bank.name);
  const values = new Map<number, Uint8Array>();
  for (const [pcr, list] of events) {
    const digests = list.map((measured, index) => digestIn(bank, at, measured) ?? untold(bank.name, pcr, index, measured));
    values.set(pcr, extendAll(bank.name, initialPcr(pcr, bank.size, log.startupLocality), digests));
  }
  return values;
}

/** What an event extended in a bank, the log's `at`-th; nothing where a record of userspace doesn't tell that bank. */
export function digestIn(bank: Bank, at: number, measured: MeasuredEvent): Uint8Array | undefined {
  if (measured.log === "userspace") return measured.record.digests.get(bank.name);
  // The parser has seen to the log's own events; one that a quirk adds has no digests but is what its data says.
  return measured.event.digests[at] ?? digest(bank.id, measured.event.data);
}

function untold(bank: BankName, pcr: number, index: number, found: MeasuredEvent): never {
  const place = { pcr, index, area: `${bank} bank`, expected: `the ${bank} digest of this record`, found };
  throw refuseEvent("BANK_INCONSISTENT", place, `A record of userspace in PCR ${pcr} has no digest of the ${bank} bank.`);
}

/** Digest of a good separator's data, four zeros, in each bank: written down, since not every build of ours has every hash. */
export const SEPARATORS: Readonly<Record<BankName, string>> = {
  sha1: "9069ca78e7450a285173431b3e52c5c25299e473",
  sha256: "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119",
  sha384: "394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad9f1289f0",
  sha512: "ec2d57691d9b2d40182ac565032054b7d784ba96b18bcb5be0bb4e70e3fb041eff582c8af66ee50256539f2181d7f9e53627c0189da7e75a4d5ef10ea93b20b3",
  sm3: "afcc870fa20c507995499794371e8c25e3a7310fa72200c109379973ae236845",
  "sha3-256": "8b0a2385d83c8bf7be27e59996f7d881d3bf1fc6606f81ce600b753ad94192a2",
  "sha3-384": "5c3577c1e3caed412fcbd83acbe2dadd09253e2e582c0b4fee5d8e6bab8b3359ab889baf1abd5e8ead09b80bd1bfb282",
  "sha3-512": "82bb78accced463db810e506218ad1ce4d702491a4921d55075985badb2cf73c1f9d9035ca83cf383505dcbea17542943ecdc9e4c476d1c0a97c891af6f2772b",
};

/**
 * The other banks of a firmware log (P20). That they add up to the quote, replayBoot has seen; here, that a firmware filled them. In each bank
 * each event has a digest that something gives, and each separator that bank's hash of its data: a bank that the firmware left empty, or that
 * somebody else filled, doesn't pass for one, and no PCR of 0–7 can be all zeros or all ones. Throws Refusal `BANK_INCONSISTENT`.
 */
export function checkBanks(log: UnverifiedEventLog): void {
  // checkSeparators has seen to the data: four zeros. SHA-256 is held against the quote; a wrong separator there has a code of its own.
  const others = log.banks.flatMap(({ name }, at) => (name === "sha256" ? [] : [{ name, at, separator: fromHex(SEPARATORS[name]) }]));
  if (others.length === 0) return;
  const seen = new Map<number, number>();
  for (const event of log.events) {
    if (!isExtended(event)) continue;
    const { pcr } = event;
    const index = seen.get(pcr) ?? 0;
    seen.set(pcr, index + 1);
    for (const { name, at, separator } of others) {
      const digest = event.digests[at] ?? new Uint8Array(0);
      const place = { pcr, index, type: event.typeName, area: `${name} bank`, found: toHex(digest) };
      if (isBlank(digest)) throw refuseEvent("BANK_INCONSISTENT", { ...place, expected: `the ${name} digest of this event` }, `The log's ${name} bank has an event in PCR ${pcr} without a digest.`);
      if (event.type === EVENT_TYPE.EV_SEPARATOR && Buffer.compare(digest, separator) !== 0) {
        const expected = `${SEPARATORS[name]} (separator of four zero bytes)`;
        throw refuseEvent("BANK_INCONSISTENT", { ...place, expected }, `The log's ${name} bank has another separator in PCR ${pcr} than its data gives.`);
      }
    }
  }
}

/** All zeros or all ones: no hash gives that, it is what a bank holds that nobody fills. */
function isBlank(digest: Uint8Array): boolean {
  const [first] = digest;
  return (first === 0 || first === 0xff) && digest.every((byte) => byte === first);
}

/** One difference a bank. */
function refuseBanks(code: "BANK_UNQUOTED" | "BANK_UNLOGGED", field: EvidenceField, [first, ...rest]: readonly HashAlg[], words: Pick<FieldDifference, "expected" | "found">): Refusal | null {
  if (first === undefined) return null;
  const difference = (bank: HashAlg): FieldDifference => ({ at: "field", code, field, area: `the ${hashName(bank)} bank`, ...words });
  return new Refusal(code, [difference(first), ...rest.map(difference)], `${ATTEST_CODES[code].text.slice(0, -1)}: ${listOf([first, ...rest])}.`);
}

function listOf(banks: readonly HashAlg[]): string {
  return banks.map(hashName).join(", ");
}
