import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { encodeEvent, encodeEventLog, encodeHeader } from "../../test/fakes/encode-event-log.ts";
import { vectorsDir } from "../../test/vectors.ts";
import { extend } from "../tpm/pcr.ts";
import { concatBytes, sha256 as hash, utf8 } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { toHex } from "../wire/hex.ts";
import type { BankName } from "./bank.ts";
import { BANKS } from "./bank.ts";
import { describeEvent } from "./describe.ts";
import { EventLogError } from "./error.ts";
import { bankIndex, type LoggedEvent, parseEventLog } from "./event-log.ts";
import { EVENT_LOG_LIMITS } from "./limits.ts";
import { replayEventLog } from "./replay.ts";
import { parseUserspaceLog } from "./userspace.ts";

interface Entry {
  readonly file: string;
  readonly format?: string;
  readonly events: number;
  readonly pcrs?: Readonly<Record<BankName, Readonly<Record<string, string>>>>;
}

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(vectorsDir, file)));
const manifest = JSON.parse(Buffer.from(read("manifest.json")).toString()) as readonly Entry[];
const logs = manifest.filter((entry) => entry.file.startsWith("eventlogs/"));
const SHA256 = BANKS.filter((bank) => bank.name === "sha256");
const own = read("own-boot/b1/binary_bios_measurements");

/** The code of what `run` throws; "accepted" where it doesn't. */
function codeOf(run: () => unknown): string {
  try {
    run();
    return "accepted";
  } catch (error) {
    if (error instanceof EventLogError || error instanceof WireError) return error.code;
    throw error;
  }
}

t.test("recorded logs replay to the values that others published", async (t) => {
  t.equal(logs.length, 9);
  for (const { file, format, events, pcrs } of logs) {
    if (format === "tcg1.2") {
      t.equal(codeOf(() => parseEventLog(read(file))), "LEGACY_LOG", `${file} is refused`);
      continue;
    }
    const log = parseEventLog(read(file));
    t.equal(log.events.length, events, `${file}: every event`);
    for (const [bank, expected] of Object.entries(pcrs ?? {})) {
      const values = replayEventLog(log, bank as BankName);
      t.same(Object.fromEntries([...values].map(([pcr, value]) => [pcr, toHex(value)])), expected, `${file}: ${bank}`);
    }
    t.same(encodeEventLog(log).length - read(file).length, 0, `${file}: written again it has the same size`);
  }
});

t.test("our own boots replay to what the guests' TPMs said", async (t) => {
  interface Boot {
    readonly dir: string;
    readonly predicted: { readonly pcr11: Readonly<Record<string, string>> };
    readonly read_sha256: { readonly multiuser: Readonly<Record<string, string>> };
  }
  const boots = JSON.parse(Buffer.from(read("own-boot/expected.json")).toString()) as readonly Boot[];
  for (const { dir, predicted, read_sha256 } of boots) {
    const log = parseEventLog(read(`${dir}/binary_bios_measurements`));
    const values = new Map(replayEventLog(log, "sha256"));
    t.equal(toHex(values.get(11) ?? new Uint8Array()), predicted.pcr11["stub-only"], `${dir}: PCR 11 after the stub`);
    const records = parseUserspaceLog(read(`${dir}/tpm2-measure.log`));
    // b1's own init extended its two words without a record; they are the first of the prediction.
    const words = dir.endsWith("b1") ? ["enter-initrd", "leave-initrd"] : [];
    for (const word of words) values.set(11, extend(values.get(11) ?? new Uint8Array(32), hash(utf8(word))));
    for (const { pcr, digest } of records) values.set(pcr, extend(values.get(pcr) ?? new Uint8Array(32), digest));
    for (const [pcr, expected] of Object.entries(read_sha256.multiuser)) {
      t.equal(toHex(values.get(Number(pcr)) ?? new Uint8Array(32)), expected, `${dir}: PCR ${pcr}`);
    }
  }
});

t.test("near misses", async (t) => {
  const digest = new Uint8Array(32).fill(7);
  const event = { pcr: 4, type: 4, digests: [digest], data: new Uint8Array(4) };
  const head = encodeHeader(SHA256);
  const one = encodeEvent(event, SHA256);
  const locality = (value: number): Uint8Array => encodeEvent({ pcr: 0, type: 3, digests: [digest], data: concatBytes(utf8("StartupLocality\0"), Uint8Array.of(value)) }, SHA256);
  const zero = encodeEvent({ ...event, pcr: 0 }, SHA256);
  const with_ = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    copy.set(values, at);
    return copy;
  };
  t.equal(codeOf(() => parseEventLog(concatBytes(head, one, one))), "accepted");
  t.equal(codeOf(() => parseEventLog(head)), "accepted", "a header alone is a log; the verdict refuses it");
  t.equal(parseEventLog(concatBytes(head, locality(3), zero)).startupLocality, 3);
  t.equal(replayEventLog(parseEventLog(concatBytes(head, locality(4))), "sha256").size, 0, "EV_NO_ACTION extends nothing");

  const sha1 = { id: 4, size: 20 };
  const sha256 = { id: 0xb, size: 32 };
  const cases: readonly (readonly [string, string, Uint8Array])[] = [
    ["nothing at all", "TRUNCATED", new Uint8Array(0)],
    ["another signature", "LEGACY_LOG", with_(head, 32 + 14, 0x32)],
    ["another type in front", "LEGACY_LOG", with_(head, 4, 4)],
    ["a header for PCR 1", "BAD_HEADER", with_(head, 0, 1)],
    ["a header with a digest", "BAD_HEADER", with_(head, 8, 1)],
    ["specification 3.0", "BAD_HEADER", with_(head, 32 + 21, 3)],
    ["another uintn", "BAD_HEADER", with_(head, 32 + 23, 4)],
    ["no bank", "BAD_HEADER", encodeHeader([])],
    ["nine banks", "BAD_HEADER", encodeHeader(new Array(9).fill(sha256))],
    ["2^32-1 banks", "BAD_HEADER", with_(head, 32 + 24, 0xff, 0xff, 0xff, 0xff)],
    ["the same bank twice", "DUPLICATE_BANK", encodeHeader([sha1, sha256, sha256])],
    ["SHA-256 of 20 bytes", "WRONG_DIGEST_SIZE", encodeHeader([{ id: 0xb, size: 20 }])],
    ["an unknown algorithm", "UNKNOWN_BANK", encodeHeader([{ id: 0x1234, size: 32 }])],
    ["vendor data longer than the header", "TRUNCATED", with_(head, head.length - 1, 9)],
    ["PCR 24", "BAD_PCR", concatBytes(head, with_(one, 0, 24))],
    ["PCR 1969712994", "BAD_PCR", concatBytes(head, with_(one, 0, 0x62, 0x6f, 0x67, 0x75))],
    ["no digest", "BANKS_DIFFER", concatBytes(head, encodeEvent({ ...event, digests: [] }, SHA256))],
    ["two digests in a log of one bank", "BANKS_DIFFER", concatBytes(head, encodeEvent({ ...event, digests: [digest, digest] }, SHA256))],
    ["2^32-1 digests", "BANKS_DIFFER", concatBytes(head, with_(one, 8, 0xff, 0xff, 0xff, 0xff))],
    ["a digest of an unannounced bank", "BANKS_DIFFER", concatBytes(head, with_(one, 12, 4))],
    ["one bank twice in an event of two", "BANKS_DIFFER", concatBytes(encodeHeader([sha1, sha256]), encodeEvent({ ...event, digests: [digest, digest] }, [sha256, sha256]))],
    ["data of 4 GiB", "TOO_LARGE", concatBytes(head, with_(one, 12 + 34, 0xff, 0xff, 0xff, 0xff))],
    ["data longer than the log", "TRUNCATED", concatBytes(head, with_(one, 12 + 34, 5))],
    ["zeros behind the last event", "TRUNCATED", concatBytes(head, one, new Uint8Array(3))],
    ["a page of 0xff behind the last event", "BAD_PCR", concatBytes(head, one, new Uint8Array(4096).fill(0xff))],
    ["a second header", "BAD_HEADER", concatBytes(head, encodeEvent({ ...event, type: 3, data: utf8("Spec ID Event03\0") }, SHA256))],
    ["startup locality 7", "BAD_STARTUP_LOCALITY", concatBytes(head, locality(7))],
    ["two startup localities", "BAD_STARTUP_LOCALITY", concatBytes(head, locality(3), locality(3))],
    ["a late startup locality", "BAD_STARTUP_LOCALITY", concatBytes(head, zero, locality(3))],
    ["too many events", "TOO_MANY_EVENTS", concatBytes(head, ...new Array<Uint8Array>(EVENT_LOG_LIMITS.events + 1).fill(one))],
    ["too many bytes", "TOO_LARGE", new Uint8Array(EVENT_LOG_LIMITS.log + 1)],
  ];
  for (const [name, code, bytes] of cases) t.equal(codeOf(() => parseEventLog(bytes)), code, name);
});

t.test("digests may come in another order than the header's", async (t) => {
  const banks = [{ id: 4, size: 20 }, { id: 0xb, size: 32 }];
  const digests = [new Uint8Array(32).fill(2), new Uint8Array(20).fill(1)];
  const log = parseEventLog(concatBytes(encodeHeader(banks), encodeEvent({ pcr: 4, type: 5, digests, data: utf8("x") }, [...SHA256, ...BANKS])));
  t.same(log.events[0]?.digests.map((d) => d.length), [20, 32]);
});

t.test("cut anywhere, a log is refused or is shorter", async (t) => {
  const files = [...logs.map((l) => l.file), ...readdirSync(join(vectorsDir, "own-boot"), { withFileTypes: true }).filter((d) => d.isDirectory()).map((d) => `own-boot/${d.name}/binary_bios_measurements`)];
  for (const file of files) {
    const bytes = read(file);
    const whole = codeOf(() => parseEventLog(bytes)) === "accepted" ? parseEventLog(bytes).events.length : 0;
    let shorter = 0;
    // Every offset of the first 4 KiB, then every seventh: cutting costs a parse each.
    for (let cut = 0; cut < bytes.length; cut += cut < 4096 ? 1 : 7) {
      const code = codeOf(() => (shorter = parseEventLog(bytes.subarray(0, cut)).events.length));
      if (code === "accepted" && shorter >= whole) t.fail(`${file} cut at ${cut} still has ${shorter} events`);
    }
  }
  t.pass(`${files.length} logs`);
});

t.test("flipped bits never crash the parser or the descriptions", async (t) => {
  const flips = fc.array(fc.tuple(fc.nat(own.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(flips, (changes) => {
      const bytes = Uint8Array.from(own);
      for (const [at, mask] of changes) bytes[at] = (bytes[at] ?? 0) ^ mask;
      codeOf(() => {
        const log = parseEventLog(bytes);
        const at = bankIndex(log, "sha256");
        for (const event of log.events) describeEvent(event, event.digests[at] ?? null);
      });
    }),
    { numRuns: 100_000, interruptAfterTimeLimit: 2000 },
  );
  t.pass("no crash");
});

t.test("what people read", async (t) => {
  const log = parseEventLog(own);
  const at = bankIndex(log, "sha256");
  const texts = log.events.map((e) => `${e.pcr} ${describeEvent(e, e.digests[at] ?? null)}`);
  for (const expected of [
    '0 firmware version "2025.02-8+deb13u1"',
    "7 UEFI variable SecureBoot: on",
    "7 UEFI variable db: certificate CN=kubedos exp db",
    "7 UEFI variable dbx: 1 hash",
    "7 image allowed by db: certificate CN=kubedos exp db",
    '1 UEFI variable Boot0001: "UEFI Misc Device"',
    '4 action "Calling EFI Application from Boot Option"',
    "4 separator",
    "4 boot application \\EFI\\BOOT\\BOOTX64.EFI",
    "5 partition table of disk 33333333-2222-3333-4444-555555555555, 3 partitions",
    "11 name of UKI section .osrel (the OS release text)",
    "11 content of UKI section .osrel (the OS release text)",
    "9 kernel command line, as the kernel's stub got it",
  ]) {
    t.ok(texts.includes(expected), expected);
  }
  const secureBoot = log.events.find((e) => e.type === 0x80000001);
  if (secureBoot === undefined) throw new Error("no variable in the log");
  const forged: LoggedEvent = { ...secureBoot, data: Uint8Array.from(secureBoot.data.with(-1, 0)) };
  t.match(describeEvent(forged, forged.digests[at] ?? null), "something else was measured", "data that the digest doesn't cover is called so");
  const escape: LoggedEvent = { ...secureBoot, type: 5, data: utf8("\x1b[2J\u202etxt\n") };
  t.equal(describeEvent(escape, null), 'action "\\u{1b}[2J\\u{202e}txt\\u{a}"', "terminals are safe");
});
