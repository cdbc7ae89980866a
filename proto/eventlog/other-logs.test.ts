import { hash } from "node:crypto";
import t from "tap";
import { encodeEventLog } from "../../test/fakes/encode-event-log.ts";
import { newEvent, recordedLog, utf16, variableData } from "../../test/fakes/log-case.ts";
import { SEPARATORS } from "../../hub/attest/banks.ts";
import { inspectEventLog } from "../../hub/attest/inspect.ts";
import { digest } from "../tpm/alg.ts";
import { concatBytes, utf8 } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import { toHex } from "../wire/hex.ts";
import { ByteWriter } from "../wire/writer.ts";
import { BANKS, type Bank } from "./bank.ts";
import { describeEvent } from "./describe.ts";
import { EventLogError } from "./error.ts";
import { bankIndex, type LoggedEvent, parseEventLog } from "./event-log.ts";
import { EVENT_TYPE } from "./event-type.ts";
import { EVENT_LOG_LIMITS, NO_PCR } from "./limits.ts";
import { replayEventLog } from "./replay.ts";

// Logs as firmware, boot loaders and other systems write them, and as nobody should: each is read to its end and can be shown and
// replayed, or is refused with a code and a sentence.

/** "read" where the whole of it can be parsed, replayed and shown; else the code. */
function fateOf(log: Uint8Array): string {
  try {
    const parsed = parseEventLog(log);
    for (const { name } of parsed.banks) {
      replayEventLog(parsed, name);
      inspectEventLog(log, name);
    }
    const at = bankIndex(parsed, "sha256");
    for (const event of parsed.events) describeEvent(event, event.digests[at] ?? null);
    return "read";
  } catch (error) {
    if (!(error instanceof EventLogError || error instanceof WireError) || error.message.length < 10) throw error;
    return error.code;
  }
}

const banks = (...names: readonly string[]): readonly Bank[] => names.flatMap((name) => BANKS.filter((b) => b.name === name));
const log = (events: readonly LoggedEvent[], of: readonly Bank[] = recordedLog.banks): Uint8Array => encodeEventLog({ banks: of, events });
const note = (pcr: number, data: Uint8Array, of = recordedLog.banks): LoggedEvent => ({ pcr, type: EVENT_TYPE.EV_NO_ACTION, typeName: "", digests: of.map((b) => new Uint8Array(b.size)), data });
/** The recorded boot with these events in front and behind. */
const recordedWith = (front: readonly LoggedEvent[], behind: readonly LoggedEvent[] = []): Uint8Array => log([...front, ...recordedLog.events, ...behind]);
const recorded = replayEventLog(recordedLog, "sha256");
const hexOf = (log: Uint8Array, bank: "sha256" | "sha384" = "sha256"): Record<string, string> =>
  Object.fromEntries([...replayEventLog(parseEventLog(log), bank)].map(([pcr, value]) => [pcr, toHex(value)]));

/** TCG_EfiSpecIDEvent with everything that a maker may choose. */
function headerWith(o: { readonly platformClass?: number; readonly errata?: number; readonly uintn?: number; readonly vendor?: Uint8Array }): Uint8Array {
  const { platformClass = 0, errata = 0, uintn = 2, vendor = new Uint8Array(0) } = o;
  const data = new ByteWriter().bytes(utf8("Spec ID Event03\0")).u32le(platformClass).u8(0).u8(2).u8(errata).u8(uintn).u32le(recordedLog.banks.length);
  for (const { id, size } of recordedLog.banks) data.u16le(id).u16le(size);
  const bytes = data.u8(vendor.length).bytes(vendor).done();
  return new ByteWriter().u32le(0).u32le(3).bytes(new Uint8Array(20)).u32le(bytes.length).bytes(bytes).done();
}
/** Everything of a log but its header. */
const body = log(recordedLog.events).subarray(log([]).length);

t.test("events of firmware that measure nothing change nothing", async (t) => {
  const guid = new Uint8Array(16).fill(7);
  const manifest = (version: string): Uint8Array => concatBytes(utf8(`SP800-155 Event${version}\0`), new ByteWriter().u32le(0x90cf).bytes(guid).done(), new Uint8Array(64));
  const events = ["", "2", "3"].flatMap((version) => [note(0, manifest(version)), note(NO_PCR, manifest(version)), note(17, manifest(version))]);
  for (const bytes of [recordedWith(events), recordedWith([], events)]) {
    t.equal(fateOf(bytes), "read");
    t.same(hexOf(bytes), Object.fromEntries([...recorded].map(([pcr, value]) => [pcr, toHex(value)])));
  }
  t.equal(fateOf(recordedWith([note(24, utf8("x"))])), "BAD_PCR", "no other number stands for no PCR");
  t.equal(fateOf(recordedWith([{ ...note(NO_PCR, utf8("x")), type: EVENT_TYPE.EV_ACTION }])), "BAD_PCR", "nor does an event that measures");
});

t.test("headers of all makers", async (t) => {
  for (const o of [{}, { platformClass: 1 }, { errata: 2 }, { errata: 105 }, { errata: 106 }, { uintn: 1 }, { vendor: utf8("maker") }, { vendor: new Uint8Array(255).fill(0xff) }]) {
    t.equal(fateOf(concatBytes(headerWith(o), body)), "read", JSON.stringify(o));
  }
  for (const o of [{ platformClass: 2 }, { uintn: 0 }, { uintn: 3 }]) t.equal(fateOf(concatBytes(headerWith(o), body)), "BAD_HEADER", JSON.stringify(o));
  const short = headerWith({ vendor: utf8("maker") });
  // The vendor's bytes behind the event instead of within it, as one published file has them.
  t.equal(fateOf(short.with(28, (short[28] ?? 0) - 5)), "TRUNCATED");
});

t.test("any announced banks", async (t) => {
  const data = utf8("code");
  for (const chosen of [banks("sha384"), banks("sha512"), banks("sha1", "sha384"), banks("sha256", "sha3-256", "sha3-384", "sha3-512"), banks("sm3", "sha256"), banks(...BANKS.map((b) => b.name))]) {
    const event: LoggedEvent = { pcr: 4, type: EVENT_TYPE.EV_IPL, typeName: "", digests: chosen.map((b) => new Uint8Array(hash(b.name, data, "buffer"))), data };
    const bytes = log([event, { ...event, pcr: 17 }], chosen);
    t.equal(fateOf(bytes), "read", chosen.map((b) => b.name).join());
    for (const { name, size } of chosen) {
      const expected = new Uint8Array(hash(name, concatBytes(new Uint8Array(size), new Uint8Array(hash(name, data, "buffer"))), "buffer"));
      t.equal(toHex(replayEventLog(parseEventLog(bytes), name).get(4) ?? data), toHex(expected), name);
    }
  }
  for (const [name, wanted] of Object.entries(SEPARATORS)) t.equal(hash(name, new Uint8Array(4), "hex"), wanted, `a separator in ${name}`);
});

t.test("what boot loaders and other systems measure", async (t) => {
  const guid = new Uint8Array(16).fill(1);
  const dbx = variableData(guid, "dbx", new Uint8Array(32 * 1024).fill(5));
  const gpt = concatBytes(new ByteWriter().bytes(utf8("EFI PART")).done(), new Uint8Array(84), new ByteWriter().u64le(128n).done(), new Uint8Array(128 * 128));
  const sipa = (id: number, value: Uint8Array): Uint8Array => new ByteWriter().u32le(id).u32le(value.length).bytes(value).done();
  const events = [
    newEvent(8, "EV_IPL", utf8("grub_cmd: linux /vmlinuz root=/dev/vda1 ro quiet\0")),
    newEvent(9, "EV_IPL", utf8("(hd0,gpt2)/initrd.img\0")),
    newEvent(14, "EV_IPL", utf8("MokList\0")),
    newEvent(14, "EV_IPL", utf8("MokListX\0")),
    newEvent(7, "EV_EFI_VARIABLE_AUTHORITY", variableData(guid, "MokListTrusted", Uint8Array.of(1))),
    newEvent(7, "EV_EFI_VARIABLE_AUTHORITY", variableData(guid, "SbatLevel", utf8("sbat,1,2021030218\n"))),
    newEvent(7, "EV_EFI_VARIABLE_DRIVER_CONFIG", dbx),
    newEvent(5, "EV_EFI_GPT_EVENT", gpt),
    newEvent(5, "EV_EFI_GPT_EVENT2", gpt),
    newEvent(1, "EV_EFI_HANDOFF_TABLES2", new Uint8Array(0)),
    newEvent(0, "EV_POST_CODE", utf8("POST CODE")),
    newEvent(0, "EV_POST_CODE2", utf8("\x10x")),
    newEvent(2, 0x8401, utf8("amd")),
    newEvent(11, "EV_EVENT_TAG", sipa(0x40010001, concatBytes(sipa(0x00050002, new Uint8Array(8)), sipa(0x00050003, Uint8Array.of(1))))),
    newEvent(12, "EV_EVENT_TAG", utf8("x")),
    newEvent(13, "EV_COMPACT_HASH", new Uint8Array(4)),
    newEvent(17, 0x401, new Uint8Array(20)),
    newEvent(18, 0x40f, new Uint8Array(0)),
    newEvent(11, "EV_IPL", utf16(".linux")),
    newEvent(6, "EV_EFI_SPDM_FIRMWARE_BLOB", utf8("SPDM Device Sec\0")),
    newEvent(4, 0xdeadbeef, new Uint8Array(0)),
    newEvent(16, "EV_ACTION", new Uint8Array(0)),
    newEvent(23, "EV_ACTION", utf8("app")),
  ];
  t.equal(fateOf(recordedWith([], events)), "read", "all of them behind a real boot");
  for (const event of events) t.equal(fateOf(log([event])), "read", `${event.pcr} ${event.type.toString(16)}`);
  // The same types with nothing, too little and nonsense in them: what is shown may be poor, nothing breaks.
  for (const type of [...Object.values(EVENT_TYPE).filter((type) => type !== EVENT_TYPE.EV_NO_ACTION), 0x8401, 0xffffffff]) {
    for (const data of [new Uint8Array(0), Uint8Array.of(0xff), new Uint8Array(64).fill(0xff), new Uint8Array(200)]) {
      t.equal(fateOf(log([newEvent(5, type, data)])), "read", `${type.toString(16)} of ${data.length} bytes`);
    }
  }
  const txt = hexOf(log([newEvent(17, 0x401, utf8("sinit"))]))["17"];
  t.equal(txt, toHex(digest(0xb, new Uint8Array(32).fill(0xff), digest(0xb, utf8("sinit")))), "a dynamic root of trust starts at all ones");
});

t.test("startup at another locality, and an H-CRTM", async (t) => {
  const locality = (value: number): LoggedEvent => note(0, concatBytes(utf8("StartupLocality\0"), Uint8Array.of(value)));
  const hcrtm = newEvent(0, "EV_EFI_HCRTM_EVENT", utf8("HCRTM"));
  const first = (events: readonly LoggedEvent[]): string | undefined => hexOf(log(events))["0"];
  for (const value of [0, 3, 4]) {
    const start = new Uint8Array(32).with(31, value);
    t.equal(first([locality(value), hcrtm]), toHex(digest(0xb, start, digest(0xb, utf8("HCRTM")))), `PCR 0 from ${value}`);
  }
  t.equal(fateOf(log([note(0, utf8("StartupLocality\0"))])), "BAD_STARTUP_LOCALITY", "without a value");
  t.equal(fateOf(log([note(1, concatBytes(utf8("StartupLocality\0"), Uint8Array.of(3)))])), "BAD_STARTUP_LOCALITY", "of another PCR");
});

t.test("large logs and their ends", async (t) => {
  const large = log(Array.from({ length: 40 }, (_, i) => newEvent(i % 8, "EV_EFI_VARIABLE_BOOT", new Uint8Array(3000).fill(i))));
  t.ok(large.length > 100_000);
  t.equal(fateOf(large), "read", "over 64 KB");
  t.equal(fateOf(log([newEvent(7, "EV_EFI_VARIABLE_DRIVER_CONFIG", new Uint8Array(EVENT_LOG_LIMITS.eventData))])), "read");
  t.equal(fateOf(log([newEvent(7, "EV_EFI_VARIABLE_DRIVER_CONFIG", new Uint8Array(EVENT_LOG_LIMITS.eventData + 1))])), "TOO_LARGE");
  const whole = log(recordedLog.events);
  // Firmware hands over the table with its unused room: nothing of it may pass for an event, and nothing be ignored.
  for (const filling of [0x00, 0xff]) {
    for (const size of [1, 3, 4, 7, 8, 12, 15, 16, 20, 64, 4096]) {
      const fate = fateOf(concatBytes(whole, new Uint8Array(size).fill(filling)));
      t.match(fate, /^(TRUNCATED|BANKS_DIFFER|BAD_PCR)$/, `${size} bytes of ${filling} behind it: ${fate}`);
    }
  }
  for (const cut of [1, 2, 40, 200]) t.not(fateOf(whole.subarray(0, -cut)), "read", `${cut} bytes short`);
  t.equal(fateOf(utf8("\x1e{}\n")), "TRUNCATED", "a userspace log");
  t.equal(fateOf(new Uint8Array(4096)), "LEGACY_LOG", "zeros");
  t.equal(fateOf(new Uint8Array(4096).fill(0xff)), "TOO_LARGE", "ones");
  t.equal(fateOf(utf8("{\"events\":[]}".padEnd(400))), "TOO_LARGE", "text");
});
