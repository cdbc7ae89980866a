import { hash } from "node:crypto";
import { z } from "zod";
import { equalBytes, utf8 } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import { type BankName, BANKS, isBankName } from "./bank.ts";
import { EventLogError } from "./error.ts";
import { EVENT_LOG_LIMITS, MAX_PCR } from "./limits.ts";
import { canHash } from "./replay.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const RECORD_SEPARATOR = 0x1e;
const LINE_FEED = 0x0a;

/**
 * The word that ends the firmware's and the boot loader's part of a PCR, from systemd 261 on. systemd-pcrosseparator.service extends it, in
 * initrds of systemd's own kind alone; its type in the log is the same word.
 */
export const OS_SEPARATOR_WORD = "os-separator";
/** PCRs that it is extended into, in this order, all of them or none: 11 has its own words, 8 and 10 are others' (uapi-group/specifications#221). */
export const OS_SEPARATOR_PCRS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14];

/** One extend by userspace, as its record says; nobody has compared it with a TPM yet. */
export interface UnverifiedUserspaceRecord {
  readonly pcr: number;
  /** SHA-256 digest that was extended. */
  readonly digest: Uint8Array;
  /** The digest of each bank that the record tells, SHA-256 among them. */
  readonly digests: ReadonlyMap<BankName, Uint8Array>;
  /**
   * `phase`, `os-separator` (the digest is that of the word, checked), `filesystem`, `volume-key`, `machine-id`, `product-id`, `keyslot`,
   * `nvpcr-init`, `nvpcr-separator`, `dm-verity`, `imds-userdata`, `login` (systemd 261); "" where the record hasn't one.
   */
  readonly eventType: string;
  readonly word: string;
}

/** Types whose records carry the measured bytes as they are; elsewhere systemd escapes, shortens or keys them. */
const WORD_IS_MEASURED: ReadonlySet<string> = new Set(["phase", "os-separator", "nvpcr-separator"]);

const digestSchema = z.strictObject({ hashAlg: z.string().max(16), digest: z.string().max(128).regex(/^[0-9a-f]*$/) });

// `content` has nvIndexName, string, bootId, timestamp and eventType, each but bootId and timestamp only where there is one. systemd adds
// fields over time; they aren't measured and nothing here reads them.
const commonSchema = z.strictObject({
  digests: z.array(digestSchema).min(1).max(EVENT_LOG_LIMITS.banks),
  content_type: z.literal("systemd"),
  content: z.looseObject({ string: z.string().max(4096).optional(), eventType: z.string().max(64).optional() }),
});
// A record has exactly one register: a PCR, or an NV index that is used like one (systemd 259 and later). Records of TDX registers (`rtmr`)
// have a log of their own, cc-measure.log, and none of ours is measured there (docs/TPM2_PCR_MEASUREMENTS.md of systemd).
const pcrRecordSchema = commonSchema.extend({ pcr: z.int().min(0).max(MAX_PCR) });
const nvRecordSchema = commonSchema.extend({ nv_index: z.int().min(0x01000000).max(0x01ffffff) });

/**
 * The userspace log in the form of systemd's tpm2-measure.log: RFC 7464 JSON text sequence, each record 0x1E, one JSON
 * object, 0x0A. An empty log has no records. Every record of a PCR must bring a SHA-256 digest; where it is a phase or a separator,
 * each digest must be that of the word (of a hash that this runtime has). Records of NV indexes are checked for their shape and left out: no quoted PCR holds them.
 * Throws EventLogError `BAD_RECORD`, `WRONG_DIGEST`, `TOO_MANY_EVENTS`, or WireError.
 */
export function parseUserspaceLog(log: Uint8Array): readonly UnverifiedUserspaceRecord[] {
  if (log.length > EVENT_LOG_LIMITS.userspaceLog) {
    throw new WireError("TOO_LARGE", `userspace log of ${log.length} bytes, at most ${EVENT_LOG_LIMITS.userspaceLog} are allowed`);
  }
  const records: UnverifiedUserspaceRecord[] = [];
  let count = 0;
  for (let at = 0; at < log.length; count++) {
    if (count === EVENT_LOG_LIMITS.userspaceRecords) {
      throw new EventLogError("TOO_MANY_EVENTS", `more than ${EVENT_LOG_LIMITS.userspaceRecords} records`);
    }
    const end = log.indexOf(LINE_FEED, at);
    if (log[at] !== RECORD_SEPARATOR) throw new EventLogError("BAD_RECORD", "a record doesn't begin with the separator 0x1E");
    if (end < 0) throw new WireError("TRUNCATED", "the last record has no line feed");
    const record = parseRecord(log.subarray(at + 1, end));
    if (record !== null) records.push(record);
    at = end + 1;
  }
  return records;
}

/** One record for a word that is extended into a PCR of these banks, by its digest in each, with separator and line feed. Without banks: SHA-256. */
export function encodeUserspaceRecord(record: {
  readonly pcr: number;
  readonly word: string;
  readonly bootId: string;
  readonly eventType?: string;
  readonly banks?: readonly BankName[];
}): Uint8Array {
  const word = utf8(record.word);
  const digests = (record.banks ?? ["sha256"]).map((bank) => ({ hashAlg: bank, digest: toHex(hashOf(bank, word)) }));
  const json = JSON.stringify({
    pcr: record.pcr,
    digests,
    content_type: "systemd",
    content: { string: record.word, bootId: record.bootId.replaceAll("-", ""), eventType: record.eventType ?? "phase" },
  });
  return utf8(`\x1e${json}\n`);
}

function parseRecord(data: Uint8Array): UnverifiedUserspaceRecord | null {
  if (data.length > EVENT_LOG_LIMITS.userspaceRecord) {
    throw new WireError("TOO_LARGE", `record of ${data.length} bytes, at most ${EVENT_LOG_LIMITS.userspaceRecord} are allowed`);
  }
  const record = parseShape(data);
  if (record === null) return null;
  const { pcr, digests, content } = record;
  const { eventType = "", string: word = "" } = content;
  const banks = readDigests(digests);
  const digest = banks.get("sha256");
  if (digest === undefined) throw new EventLogError("BAD_RECORD", "a record has no SHA-256 digest");
  if (WORD_IS_MEASURED.has(eventType)) checkWord(utf8(word), banks);
  return { pcr, digest, digests: banks, eventType, word };
}

/** The same word in every bank, or one of them tells another story. */
function checkWord(word: Uint8Array, banks: ReadonlyMap<BankName, Uint8Array>): void {
  for (const [bank, digest] of banks) {
    if (canHash(bank) && !equalBytes(digest, hashOf(bank, word))) {
      throw new EventLogError("WRONG_DIGEST", "the digest of a phase or separator isn't that of its word");
    }
  }
}

function hashOf(bank: BankName, data: Uint8Array): Uint8Array {
  return new Uint8Array(hash(bank, data, "buffer"));
}

/** null: a good record of an NV index. */
function parseShape(data: Uint8Array): z.output<typeof pcrRecordSchema> | null {
  try {
    const raw: unknown = JSON.parse(UTF8.decode(data));
    if (typeof raw === "object" && raw !== null && Object.hasOwn(raw, "nv_index")) {
      nvRecordSchema.parse(raw);
      return null;
    }
    return pcrRecordSchema.parse(raw);
  } catch (cause) {
    throw new EventLogError("BAD_RECORD", "a record isn't JSON of systemd's shape", { cause });
  }
}

function readDigests(digests: readonly z.output<typeof digestSchema>[]): ReadonlyMap<BankName, Uint8Array> {
  const found = new Map<BankName, Uint8Array>();
  for (const { hashAlg, digest } of digests) {
    const size = BANKS.find((bank) => bank.name === hashAlg)?.size;
    if (!isBankName(hashAlg) || size === undefined || digest.length !== size * 2 || found.has(hashAlg)) {
      throw new EventLogError("BAD_RECORD", "a record has an unknown, repeated or wrongly sized digest");
    }
    found.set(hashAlg, fromHex(digest));
  }
  return found;
}
