import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { vectorsDir } from "../../test/vectors.ts";
import { concatBytes, sha256, utf8 } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { toHex } from "../wire/hex.ts";
import { EventLogError } from "./error.ts";
import { EVENT_LOG_LIMITS } from "./limits.ts";
import { encodeUserspaceRecord, OS_SEPARATOR_WORD, parseUserspaceLog } from "./userspace.ts";

function codeOf(log: Uint8Array): string {
  try {
    parseUserspaceLog(log);
    return "accepted";
  } catch (error) {
    if (error instanceof EventLogError || error instanceof WireError) return error.code;
    throw error;
  }
}

const systemd = new Uint8Array(readFileSync(join(vectorsDir, "own-boot/a1/tpm2-measure.log")));
const bootId = "a4852c21-6df1-4148-ba93-00485be83aaf";

t.test("systemd's own log", async (t) => {
  const words = parseUserspaceLog(systemd).map(({ pcr, word, eventType }) => `${pcr} ${eventType} ${word}`);
  t.same(words, ["11 phase enter-initrd", "11 phase leave-initrd", "15 machine-id machine-id:5a5a0000111142228333000000000001", "11 phase sysinit", "11 phase ready"]);
});

t.test("ours reads like systemd's", async (t) => {
  const record = encodeUserspaceRecord({ pcr: 11, word: "kubedos-agent", bootId });
  t.equal(record[0], 0x1e);
  t.equal(record.at(-1), 0x0a);
  const digest = sha256(utf8("kubedos-agent"));
  t.same(parseUserspaceLog(record), [{ pcr: 11, digest, digests: new Map([["sha256", digest]]), eventType: "phase", word: "kubedos-agent" }]);
  const [wide] = parseUserspaceLog(encodeUserspaceRecord({ pcr: 11, word: "kubedos-agent", bootId, banks: ["sha1", "sha256", "sha384"] }));
  t.same([...(wide?.digests ?? [])].map(([bank, { length }]) => [bank, length]), [["sha1", 20], ["sha256", 32], ["sha384", 48]], "a digest a bank");
  t.same(parseUserspaceLog(new Uint8Array(0)), [], "an empty log has no records");
});

t.test("systemd 261: separators, and NV indexes that extend no PCR", async (t) => {
  // Keys, their order, banks and types as systemd writes them; the digest is the one that its pcrlock predicts.
  const os = "ff5b9d73dad709633ae76adf444012b57e913a12ed7403c3931145862f35f841";
  const digests = [{ hashAlg: "sha1", digest: "0d3751a5a6707fb8918dfbe6b0d9853ca6c313c4" }, { hashAlg: "sha256", digest: os }];
  const content = { string: "os-separator", bootId: bootId.replaceAll("-", ""), timestamp: 1834567, eventType: "os-separator" };
  const record = (json: unknown): Uint8Array => utf8(`\x1e${JSON.stringify(json)}\n`);
  const separator = record({ pcr: 12, digests, content_type: "systemd", content });
  const nv = record({ nv_index: 0x1d10200, digests: [{ hashAlg: "sha256", digest: "00".repeat(32) }], content_type: "systemd", content: { nvIndexName: "hardware", ...content, string: "product-id:1", eventType: "product-id" } });
  t.same(parseUserspaceLog(concatBytes(nv, separator, nv)), parseUserspaceLog(separator));
  t.match(parseUserspaceLog(separator), [{ pcr: 12, digest: sha256(utf8("os-separator")), eventType: "os-separator", word: "os-separator" }]);
  t.same(parseUserspaceLog(separator), parseUserspaceLog(encodeUserspaceRecord({ pcr: 12, word: OS_SEPARATOR_WORD, bootId, eventType: "os-separator", banks: ["sha1", "sha256"] })), "ours reads alike");
  for (const eventType of ["filesystem", "volume-key", "machine-id", "product-id", "keyslot", "nvpcr-init", "dm-verity", "imds-userdata", "login", "of a later systemd"]) {
    t.same(parseUserspaceLog(record({ pcr: 15, digests, content_type: "systemd", content: { ...content, string: "x", eventType } })).map((r) => r.eventType), [eventType]);
  }
  const { eventType: _, ...untyped } = content;
  t.same(parseUserspaceLog(record({ pcr: 15, digests, content_type: "systemd", content: untyped })).map((r) => r.eventType), [""], "what came over its socket has no type");
  t.equal(codeOf(record({ rtmr: 2, mapped_pcr: 11, digests: [{ hashAlg: "sha384", digest: "00".repeat(48) }], content_type: "systemd", content })), "BAD_RECORD", "a TDX register's record is of another log");
});

t.test("near misses", async (t) => {
  const digest = toHex(sha256(utf8("w")));
  const good = { pcr: 11, digests: [{ hashAlg: "sha256", digest }], content_type: "systemd", content: { string: "w", bootId: "00", eventType: "phase" } };
  const log = (record: unknown): Uint8Array => utf8(`\x1e${JSON.stringify(record)}\n`);
  const text = new TextDecoder().decode(log(good));
  t.equal(codeOf(log(good)), "accepted");
  const cases: readonly (readonly [string, string, Uint8Array])[] = [
    ["no separator", "BAD_RECORD", utf8(text.slice(1))],
    ["another word in another bank", "WRONG_DIGEST", log({ ...good, digests: [...good.digests, { hashAlg: "sha1", digest: "00".repeat(20) }] })],
    ["no line feed", "TRUNCATED", utf8(text.slice(0, -1))],
    ["a blank line between", "BAD_RECORD", utf8(`${text}\n${text}`)],
    ["two separators", "BAD_RECORD", utf8(`\x1e${text}`)],
    ["something behind the object", "BAD_RECORD", utf8(`${text.slice(0, -1)} {}\n`)],
    ["a zero behind the last record", "BAD_RECORD", utf8(`${text}\0`)],
    ["no JSON", "BAD_RECORD", utf8("\x1e{\n")],
    ["no UTF-8", "BAD_RECORD", Uint8Array.of(0x1e, 0x22, 0xff, 0x22, 0x0a)],
    ["PCR 24", "BAD_RECORD", log({ ...good, pcr: 24 })],
    ["PCR -1", "BAD_RECORD", log({ ...good, pcr: -1 })],
    ["PCR 11.5", "BAD_RECORD", log({ ...good, pcr: 11.5 })],
    ["an unknown key", "BAD_RECORD", log({ ...good, extra: 1 })],
    ["another content type", "BAD_RECORD", log({ ...good, content_type: "cel" })],
    ["no digests", "BAD_RECORD", log({ ...good, digests: [] })],
    ["SHA-1 alone", "BAD_RECORD", log({ ...good, digests: [{ hashAlg: "sha1", digest: "00".repeat(20) }] })],
    ["SHA-256 twice", "BAD_RECORD", log({ ...good, digests: [...good.digests, ...good.digests] })],
    ["an unknown hash", "BAD_RECORD", log({ ...good, digests: [...good.digests, { hashAlg: "md5", digest: "00".repeat(16) }] })],
    ["a short digest", "BAD_RECORD", log({ ...good, digests: [{ hashAlg: "sha256", digest: digest.slice(2) }] })],
    ["an upper-case digest", "BAD_RECORD", log({ ...good, digests: [{ hashAlg: "sha256", digest: digest.toUpperCase() }] })],
    ["a phase of another word", "WRONG_DIGEST", log({ ...good, content: { ...good.content, string: "x" } })],
    ["an os-separator of another word", "WRONG_DIGEST", log({ ...good, content: { ...good.content, string: "x", eventType: "os-separator" } })],
    ["an os-separator without a word", "WRONG_DIGEST", log({ ...good, content: { bootId: "00", eventType: "os-separator" } })],
    ["a PCR and an NV index", "BAD_RECORD", log({ ...good, nv_index: 0x1d10200 })],
    ["neither a PCR nor an NV index", "BAD_RECORD", log({ digests: good.digests, content_type: "systemd", content: good.content })],
    ["an NV index that is a handle of another kind", "BAD_RECORD", log({ ...good, pcr: undefined, nv_index: 0x81000000 })],
    ["a record of 8 KiB", "TOO_LARGE", log({ ...good, content: { ...good.content, more: "x".repeat(EVENT_LOG_LIMITS.userspaceRecord) } })],
    ["too many records", "TOO_MANY_EVENTS", utf8(text.repeat(EVENT_LOG_LIMITS.userspaceRecords + 1))],
    ["too many bytes", "TOO_LARGE", new Uint8Array(EVENT_LOG_LIMITS.userspaceLog + 1)],
  ];
  for (const [name, code, bytes] of cases) t.equal(codeOf(bytes), code, name);
});

t.test("cut anywhere or bent, it is refused or shorter", async (t) => {
  const whole = parseUserspaceLog(systemd).length;
  for (let cut = 0; cut < systemd.length; cut++) {
    if (codeOf(systemd.subarray(0, cut)) === "accepted" && parseUserspaceLog(systemd.subarray(0, cut)).length >= whole) t.fail(`cut at ${cut}`);
  }
  fc.assert(
    fc.property(fc.nat(systemd.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const bytes = Uint8Array.from(systemd);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      codeOf(bytes);
    }),
    { numRuns: 100_000, interruptAfterTimeLimit: 500 },
  );
  t.pass("no crash");
});
