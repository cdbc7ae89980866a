import { hash } from "node:crypto";
import t from "tap";
import { encodeEventLog } from "../../test/fakes/encode-event-log.ts";
import { BANK_NAMES, challengeFor, firmwareLog, knownOf, newChallenge, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { logWith, measuring, newEvent, record, recordedLog, separatorRecords, utf16 } from "../../test/fakes/log-case.ts";
import { type Boot, VerdictBench } from "../../test/swtpm/verdict-bench.ts";
import { BANKS } from "../../proto/eventlog/bank.ts";
import type { LoggedEvent } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { NO_PCR } from "../../proto/eventlog/limits.ts";
import type { Quirk } from "../../proto/eventlog/quirk.ts";
import { OS_SEPARATOR_PCRS, parseUserspaceLog } from "../../proto/eventlog/userspace.ts";
import type { Release } from "../../proto/release/release.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { placeOf } from "./finding.ts";
import { judge } from "./judge.ts";
import { ReplayMemory } from "./replay-memory.ts";
import type { Known, Verdict } from "./types.ts";

const release = releaseOf(firmwareLog);
const words = userspaceLogOf(WORDS);
const bench = new VerdictBench([release]);
const { tls } = bench;
t.teardown(() => bench.stop());
const verdictOn = (boot: Boot): Promise<Verdict> => bench.verdictOn(boot);

/** The recorded boot, unspoiled: each test has it beside what it spoils. */
async function unspoiled(t: { equal(found: unknown, wanted: unknown, message: string): unknown }): Promise<void> {
  t.equal(codeOf(await verdictOn({})), "ok", "unspoiled it passes");
}

const codeOf = (verdict: Verdict): string => (verdict.ok ? "ok" : verdict.code);
const imagesWith = (change: Partial<Release["images"][number]>): readonly Release[] => [{ ...release, images: release.images.map((i) => ({ ...i, ...change })) }];

/** A release for systemd 261: the barrier must be there. */
const of261 = imagesWith({ osSeparator: true });
/** What systemd 261 writes: its barriers come in the initrd, between the words of init and those of the agent. */
const log261 = concatBytes(userspaceLogOf(WORDS.slice(0, 2)), separatorRecords(), userspaceLogOf(WORDS.slice(2)));

t.test("P13 systemd 257 and 261, each as its release says", async (t) => {
  t.equal(codeOf(await verdictOn({})), "ok", "257: no barrier");
  t.equal(codeOf(await verdictOn({ userspaceLog: log261, releases: of261 })), "ok", "261: barriers");
  const nvInit = record(9, `nvpcr-init:hardware:0x1d10200:sha256:${"de".repeat(32)}`, "nvpcr-init");
  const nvDone = record(9, "nvpcr-separator", "nvpcr-separator");
  t.equal(codeOf(await verdictOn({ userspaceLog: concatBytes(nvInit, nvDone, log261), releases: of261 })), "ok", "with NV indexes in PCR 9");
  t.equal(codeOf(await verdictOn({ userspaceLog: concatBytes(nvInit, log261, nvDone), releases: of261 })), "ok", "whose separator comes from the host, after the barrier");
  t.equal(codeOf(await verdictOn({ userspaceLog: concatBytes(nvInit, nvDone, words) })), "ok", "and on 259 and 260, which have them without a barrier");
  const nvRecord = utf8('\x1e{"nv_index":30474752,"digests":[{"hashAlg":"sha256","digest":"' + "00".repeat(32) + '"}],"content_type":"systemd","content":{"nvIndexName":"hardware","string":"product-id:1"}}\n');
  t.equal(codeOf(await verdictOn({ userspaceLog: concatBytes(nvRecord, log261), releases: of261 })), "ok", "whose own records concern no PCR");
  t.equal(codeOf(await verdictOn({ releases: of261 })), "BARRIER_MISSING", "a release of 261 wants the barrier");
  t.equal(codeOf(await verdictOn({ userspaceLog: log261 })), "PCR_MISMATCH", "one of 257 doesn't know it");
  const later = await verdictOn({ userspaceLog: log261, releases: of261 });
  const before = await verdictOn({});
  t.same(later.ok && later.facts.firmware, before.ok && before.facts.firmware, "the recorded firmware outlives the update");
  t.equal(codeOf(await verdictOn({ userspaceLog: log261, releases: of261, known: { baseline: before.ok ? before.facts.firmware : null } })), "ok");
});

t.test("P13 barriers spoiled, measured as they are shown", async (t) => {
  t.equal(codeOf(await verdictOn({ userspaceLog: log261, releases: of261 })), "ok", "unspoiled it passes");
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["one PCR without", separatorRecords(OS_SEPARATOR_PCRS.filter((p) => p !== 12)), "BARRIER_WRONG"],
    ["one PCR alone", separatorRecords([4]), "BARRIER_WRONG"],
    ["twice in one", concatBytes(separatorRecords(), separatorRecords([13])), "BARRIER_WRONG"],
    ["in PCR 11 too", concatBytes(separatorRecords(), separatorRecords([11])), "BARRIER_WRONG"],
    ["another word under its type", concatBytes(separatorRecords(OS_SEPARATOR_PCRS.filter((p) => p !== 2)), separatorRecords([2], "os-separatos")), "BARRIER_WRONG"],
    ["its word under another type", concatBytes(separatorRecords(OS_SEPARATOR_PCRS.filter((p) => p !== 2)), record(2, "os-separator", "phase")), "BARRIER_WRONG"],
    ["something before it", concatBytes(record(4, "evil", "phase"), separatorRecords()), "BARRIER_WRONG"],
    ["something after it", concatBytes(separatorRecords(), record(12, "evil", "filesystem")), "BARRIER_WRONG"],
    ["NV indexes after their separator", concatBytes(record(9, "nvpcr-separator", "nvpcr-separator"), record(9, "nvpcr-init:x", "nvpcr-init"), separatorRecords()), "BARRIER_WRONG"],
  ];
  for (const [name, records, code] of cases) t.equal(codeOf(await verdictOn({ userspaceLog: concatBytes(records, words), releases: of261 })), code, name);
  const forged = logWith((es) => [...es, newEvent(12, "EV_IPL", utf8("os-separator"))]);
  t.equal(codeOf(await verdictOn({ firmwareLog: forged, userspaceLog: concatBytes(separatorRecords(OS_SEPARATOR_PCRS.filter((p) => p !== 12)), words), releases: of261 })), "BARRIER_WRONG", "from the firmware's log");
});

t.test("P13 userspace's log edited after it was measured", async (t) => {
  t.equal(codeOf(await verdictOn({ userspaceLog: log261, releases: of261 })), "ok", "unspoiled it passes");
  const edits: readonly (readonly [string, Uint8Array])[] = [
    ["dropped", new Uint8Array(0)],
    ["without barriers", words],
    ["with barriers in another order of records", concatBytes(words, separatorRecords([...OS_SEPARATOR_PCRS].reverse()))],
    ["with one barrier less", concatBytes(separatorRecords(OS_SEPARATOR_PCRS.slice(1)), words)],
  ];
  for (const [name, userspaceLog] of edits) {
    const code = codeOf(await verdictOn({ userspaceLog: log261, shown: { userspaceLog }, releases: of261 }));
    // Records of different PCRs have no order among each other that a TPM could know.
    t.equal(code, name.includes("order of records") ? "ok" : "LOG_MISMATCH", name);
  }
  t.equal(codeOf(await verdictOn({ shown: { userspaceLog: log261 }, releases: of261 })), "LOG_MISMATCH", "barriers that were never extended");
});

t.test("P13 the barrier is systemd's, by the digests that it predicts for itself", async (t) => {
  // src/pcrlock/pcrlock.d/750-os-separator.pcrlock and 770-nvpcr-separator.pcrlock of systemd 261: SHA-256, and the PCRs of the first.
  const [os, nv] = ["ff5b9d73dad709633ae76adf444012b57e913a12ed7403c3931145862f35f841", "97c5f96d4cd3fb14c7e272c47762af208f712c1a47733567e5c233e2b6f6c5cb"];
  const told = parseUserspaceLog(concatBytes(separatorRecords(), record(9, "nvpcr-separator", "nvpcr-separator")));
  t.same(told.map(({ pcr, digest }) => [pcr, toHex(digest)]), [...[0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14].map((pcr) => [pcr, os]), [9, nv]]);
});

const after = (pcr: number, event: LoggedEvent): Uint8Array =>
  logWith((es) => es.toSpliced(es.findIndex((e) => e.pcr === pcr && e.type === EVENT_TYPE.EV_SEPARATOR) + 1, 0, event));

t.test("P12 events after the separator", async (t) => {
  await unspoiled(t);
  const blob = utf8("late");
  for (const pcr of [0, 1, 2, 3, 6]) {
    t.equal(codeOf(await verdictOn({ firmwareLog: after(pcr, newEvent(pcr, "EV_EFI_PLATFORM_FIRMWARE_BLOB", blob)) })), "POST_SEPARATOR_EVENT", `PCR ${pcr}`);
  }
  t.equal(codeOf(await verdictOn({ firmwareLog: after(5, newEvent(5, "EV_POST_CODE", blob)) })), "POST_SEPARATOR_EVENT", "PCR 5");
  t.equal(codeOf(await verdictOn({ firmwareLog: after(4, newEvent(4, "EV_IPL", blob)) })), "POST_SEPARATOR_EVENT", "PCR 4");
  t.equal(codeOf(await verdictOn({ firmwareLog: after(1, newEvent(1, "EV_EFI_VARIABLE_BOOT", blob)) })), "ok", "boot variables may come late");
});

t.test("P12 AMD's late event in PCR 2, with the named quirk alone", async (t) => {
  await unspoiled(t);
  const amd = after(2, newEvent(2, 0x8401, utf8("amd")));
  const quirks: Quirk[] = ["amd-pcr2-after-separator"];
  t.equal(codeOf(await verdictOn({ firmwareLog: amd })), "POST_SEPARATOR_EVENT");
  const passed = await verdictOn({ firmwareLog: amd, releases: imagesWith({ quirks }) });
  t.same(passed.ok && passed.facts.quirks, quirks, "and the verdict records it");
  const plain = await verdictOn({ releases: imagesWith({ quirks }) });
  t.same(plain.ok && plain.facts.quirks, [], "where it wasn't needed, it isn't recorded");
  t.equal(codeOf(await verdictOn({ firmwareLog: after(3, newEvent(3, 0x8401, utf8("amd"))), releases: imagesWith({ quirks }) })), "POST_SEPARATOR_EVENT", "in another PCR");
});

t.test("P19 a log that ends before ExitBootServices", async (t) => {
  await unspoiled(t);
  const cut = logWith((es) => es.filter((e) => !(e.pcr === 5 && e.type === EVENT_TYPE.EV_EFI_ACTION)));
  const quirks: Quirk[] = ["exit-boot-services-unlogged"];
  const shown = { firmwareLog: cut };
  t.equal(codeOf(await verdictOn({ shown })), "LOG_MISMATCH", "fails by default");
  const passed = await verdictOn({ shown, releases: imagesWith({ quirks }) });
  t.same(passed.ok && passed.facts.quirks, quirks, "passes with the named quirk, which is recorded");
  t.equal(codeOf(await verdictOn({ shown: { firmwareLog: logWith((es) => es.filter((e) => e.pcr !== 5)) }, releases: imagesWith({ quirks }) })), "LOG_MISMATCH", "covers nothing else");
  const other = releaseOf(firmwareLog, "lb");
  const elsewhere = { ...release, images: [...release.images, ...other.images.map((i) => ({ ...i, quirks }))] };
  t.equal(codeOf(await verdictOn({ shown, releases: [elsewhere] })), "ROLE_MISMATCH", "another image's quirk makes the boot that image's");
  const pcr4 = other.images.map((i) => ({ ...i, quirks, pcrs: { ...i.pcrs, 4: { rule: "zero" } as const } }));
  t.equal(codeOf(await verdictOn({ shown, releases: [{ ...release, images: [...release.images, ...pcr4] }] })), "QUIRK_REFUSED", "and isn't this image's");
});

t.test("P11 the separators of others' faults", async (t) => {
  await unspoiled(t);
  const zeroThenError = Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff);
  const separator = recordedLog.events.find((e) => e.pcr === 3 && e.type === EVENT_TYPE.EV_SEPARATOR);
  if (separator === undefined) throw new Error("no separator in the log");
  t.equal(codeOf(await verdictOn({ firmwareLog: logWith((es) => [...es, measuring({ ...separator, type: EVENT_TYPE.EV_IPL }, zeroThenError)]) })), "SEPARATOR_WRONG", "a hasher that was never reset");
  t.equal(codeOf(await verdictOn({ firmwareLog: logWith((es) => es.map((e) => (e === separator ? { ...e, data: Uint8Array.of(1, 0, 0, 0) } : e))) })), "SEPARATOR_WRONG", "data that isn't what was measured");
  t.equal(codeOf(await verdictOn({ userspaceLog: concatBytes(words, record(3, "\0\0\0\0", "phase")) })), "SEPARATOR_WRONG", "from userspace");
});

t.test("P20 a bank that its own events don't fill", async (t) => {
  await unspoiled(t);
  const empty = logWith((es) => es.map((e) => ({ ...e, digests: e.digests.map((d, i) => (i === 2 ? new Uint8Array(d.length) : d)) })));
  t.equal(codeOf(await verdictOn({ firmwareLog: empty })), "BANK_INCONSISTENT", "SHA-384 left empty");
  const one = logWith((es) => es.map((e) => (e.pcr === 6 ? { ...e, digests: e.digests.map((d, i) => (i === 3 ? d.toReversed() : d)) } : e)));
  t.equal(codeOf(await verdictOn({ firmwareLog: one })), "BANK_INCONSISTENT", "one separator of SHA-512");
  const noSha256 = { ...recordedLog, banks: recordedLog.banks.filter((b) => b.name !== "sha256"), events: recordedLog.events.map((e) => ({ ...e, digests: e.digests.filter((_, i) => i !== 1) })) };
  t.equal(codeOf(await verdictOn({ shown: { firmwareLog: encodeEventLog(noSha256) } })), "LOG_WITHOUT_SHA256", "SHA-256 not announced");
});

const locality = (value: number): LoggedEvent => ({
  ...{ pcr: 0, type: EVENT_TYPE.EV_NO_ACTION, typeName: "EV_NO_ACTION" },
  digests: recordedLog.banks.map((b) => new Uint8Array(b.size)),
  data: concatBytes(utf8("StartupLocality\0"), Uint8Array.of(value)),
});

t.test("P18 startup localities", async (t) => {
  await unspoiled(t);
  // What a processor hashes by itself before it runs the first code (H-CRTM) is PCR 0's first event.
  const hcrtm = newEvent(0, "EV_EFI_HCRTM_EVENT", utf8("HCRTM"));
  for (const [value, first] of [[0, []], [3, []], [4, [hcrtm]]] as const) {
    const log = logWith((es) => [locality(value), ...first, ...es]);
    t.equal(codeOf(await verdictOn({ firmwareLog: log })), "ok", `${value}, started so`);
    const plain = logWith((es) => [...first, ...es]);
    if (value !== 0) t.equal(codeOf(await verdictOn({ firmwareLog: plain, shown: { firmwareLog: log } })), "LOG_MISMATCH", `${value}, that wasn't`);
    if (value !== 0) t.equal(codeOf(await verdictOn({ firmwareLog: log, shown: { firmwareLog: plain } })), "LOG_MISMATCH", `${value}, not told`);
  }
  t.equal(codeOf(await verdictOn({ shown: { firmwareLog: logWith((es) => [locality(3), locality(3), ...es]) } })), "LOG_MALFORMED", "twice");
  t.equal(codeOf(await verdictOn({ shown: { firmwareLog: logWith((es) => [...es, locality(3)]) } })), "LOG_MALFORMED", "late");
  t.equal(codeOf(await verdictOn({ shown: { firmwareLog: logWith((es) => [locality(1), ...es]) } })), "LOG_MALFORMED", "locality 1");
});

t.test("P17 logs as other makers write them, judged", async (t) => {
  await unspoiled(t);
  const manifest = { ...locality(0), data: concatBytes(utf8("SP800-155 Event3\0"), new Uint8Array(80).fill(7)) };
  t.equal(codeOf(await verdictOn({ firmwareLog: logWith((es) => [manifest, { ...manifest, pcr: NO_PCR }, ...es, manifest]) })), "ok", "a maker's reference values in front and behind");
  // As some coreboot writes them: a slot of fifty bytes, hashed as a whole.
  const wide = logWith((es) => es.map((e) => (e.type === EVENT_TYPE.EV_SEPARATOR ? measuring({ ...e, data: new Uint8Array(50) }, new Uint8Array(50)) : e)));
  t.equal(codeOf(await verdictOn({ firmwareLog: wide })), "SEPARATOR_WRONG", "separators of fifty bytes");
  const sm3 = BANKS.filter((b) => b.name === "sm3");
  const withSm3 = recordedLog.events.map((e) => ({ ...e, digests: [...e.digests, new Uint8Array(hash("sm3", e.data, "buffer"))] }));
  const fifth = { firmwareLog: encodeEventLog({ banks: [...recordedLog.banks, ...sm3], events: withSm3 }), userspaceLog: userspaceLogOf(WORDS, [...BANK_NAMES, "sm3"]) };
  t.equal(codeOf(await verdictOn(fifth)), "BANK_UNQUOTED", "a fifth bank, on a TPM that hasn't it");
  const padded = concatBytes(firmwareLog, new Uint8Array(4096).fill(0xff));
  t.equal(codeOf(await verdictOn({ shown: { firmwareLog: padded } })), "LOG_MALFORMED", "the table's unused room");
});

t.test("P26 what was handed over from outside", async (t) => {
  await unspoiled(t);
  for (const [pcr, text] of [[12, "init=/bin/sh"], [13, "System extension initrd"], [12, "Credentials initrd"]] as const) {
    const found = await verdictOn({ firmwareLog: logWith((es) => [...es, newEvent(pcr, "EV_IPL", utf16(text))]) });
    t.equal(codeOf(found), "PCR_NOT_ZERO", text);
    t.match(!found.ok && found.findings[0]?.found, text, "and it is said");
  }
  const smbios = newEvent(1, "EV_EVENT_TAG", utf8("smbios"));
  const healthy = await verdictOn({});
  t.equal(codeOf(await verdictOn({ firmwareLog: after(1, smbios), known: { baseline: healthy.ok ? healthy.facts.firmware : null } })), "FIRMWARE_CHANGED", "SMBIOS in PCR 1 after the approval");
});

t.test("P24 firmware that changed since the approval, event by event", async (t) => {
  const healthy = await verdictOn({});
  if (!healthy.ok) return t.fail(healthy.message);
  const baseline = healthy.facts.firmware;
  const changed = async (log: Uint8Array, known: Partial<Known> = { baseline }) => {
    const verdict = await verdictOn({ firmwareLog: log, known });
    return verdict.ok ? [] : verdict.findings.map((f) => [verdict.code, placeOf(f), f.what, f.found]);
  };
  const is = (type: number, pcr: number) => (e: LoggedEvent) => e.type === type && e.pcr === pcr;
  const at = (type: number, pcr: number) => recordedLog.events.findIndex(is(type, pcr));
  const version = at(EVENT_TYPE.EV_S_CRTM_VERSION, 0);
  t.match(await changed(logWith((es) => es.with(version, newEvent(0, "EV_S_CRTM_VERSION", utf16("2026.01"))))), [["FIRMWARE_CHANGED", "PCR 0, event 0", /^firmware version: firmware version "2025/, /firmware version "2026\.01"/]]);
  const order = at(EVENT_TYPE.EV_EFI_VARIABLE_BOOT, 1);
  const bootOrder = recordedLog.events[order];
  if (bootOrder === undefined) throw new Error("no boot order in the log");
  const swapped = bootOrder.data.with(-1, 9);
  t.match(await changed(logWith((es) => es.with(order, measuring({ ...bootOrder, data: swapped }, swapped)))), [["FIRMWARE_CHANGED", "PCR 1, event 4", /^boot order: UEFI variable BootOrder/, /BootOrder/]]);
  const rom = newEvent(2, "EV_EFI_BOOT_SERVICES_DRIVER", utf8("rom"));
  t.match(await changed(logWith((es) => [rom, ...es])), [["FIRMWARE_CHANGED", "PCR 2, event 0", "option ROM", /EV_EFI_BOOT_SERVICES_DRIVER/]]);
  t.match(await changed(logWith((es) => es.toSpliced(version, 1))), [["FIRMWARE_CHANGED", "PCR 0", /^firmware version/, "no such event now"]]);
  const settings = recordedLog.events.flatMap((e, i) => (is(EVENT_TYPE.EV_PLATFORM_CONFIG_FLAGS, 1)(e) ? [i] : []));
  const [first, second] = settings;
  const moved = logWith((es) => es.map((e, i) => (i === first ? (es[second ?? 0] ?? e) : i === second ? (es[first ?? 0] ?? e) : e)));
  t.match(await changed(moved), [["FIRMWARE_CHANGED", "PCR 1, event 0", /^firmware settings: platform configuration/, /platform configuration/]], "moved events are named by the first of them");
  t.match(await changed(logWith((es) => [rom, ...es]), { baseline: { values: baseline.values, events: {} } }), [["FIRMWARE_CHANGED", "PCR 2", /recorded at the approval/, /^[0-9a-f]{64}$/]], "without recorded events, as a whole");
});

t.test("P23 the clock and the counters", async (t) => {
  const passed = await verdictOn({});
  if (!passed.ok) return t.fail(passed.message);
  const { clock, resetCount, restartCount } = passed.facts.clock;
  const quoted = { clock, resetCount, restartCount, bootId: passed.facts.claims.bootId };
  // What was known when the challenge was made, as the TPM's own clock stands to it: the same machine answers each of them a little later.
  const after = async (last: Partial<typeof quoted>): Promise<string> => codeOf(await verdictOn({ known: { lastClock: { ...quoted, ...last } } }));
  t.equal(await after({}), "ok", "later in the same boot");
  t.equal(await after({ resetCount: resetCount - 1, clock: 1n << 60n, restartCount: 9 }), "ok", "after a reset nothing else is compared");
  t.equal(await after({ clock: clock + 3_600_000n }), "CLOCK_WENT_BACK", "an older quote after a newer");
  t.equal(await after({ restartCount: restartCount + 1 }), "CLOCK_WENT_BACK", "restartCount drops");
  t.equal(await after({ resetCount: resetCount + 1 }), "CLOCK_WENT_BACK", "resetCount drops: a restored copy of the TPM's state");
  const asked = newChallenge();
  const evidence = await bench.answer(asked);
  const challenge = challengeFor(asked, evidence);
  const known = knownOf(tls, [release]);
  const verdict = judge(evidence, challenge, known);
  if (!verdict.ok) return t.fail(verdict.message);
  const lastClock = { ...verdict.facts.clock, bootId: verdict.facts.claims.bootId };
  t.equal(codeOf(judge(evidence, challenge, { ...known, lastClock })), "CLOCK_WENT_BACK", "the clock stands");
  t.equal(codeOf(judge(evidence, challenge, { ...known, lastClock: { ...lastClock, clock: lastClock.clock - 1n } })), "ok", "a millisecond earlier it passes");
});

t.test("P24 two boots on one reset of one TPM", async (t) => {
  const passed = await verdictOn({});
  if (!passed.ok) return t.fail(passed.message);
  const lastClock = { ...passed.facts.clock, bootId: passed.facts.claims.bootId };
  t.equal(codeOf(await verdictOn({ known: { lastClock } })), "ok", "unspoiled it passes");
  t.equal(codeOf(await verdictOn({ known: { lastClock: { ...lastClock, bootId: "00000000-0000-4000-8000-000000000000" } } })), "CLOCK_FORKED");
});

t.test("P7 a genuine TPM that nobody stamped is not attested as anybody's", async (t) => {
  await unspoiled(t);
  const verdict = await verdictOn({ known: { pinnedRole: null } });
  t.equal(verdict.ok && verdict.facts.anchor, "none");
});

t.test("P27 an image started twice, sections exchanged", async (t) => {
  await unspoiled(t);
  const twice = await verdictOn({ firmwareLog: logWith((es) => es.flatMap((e) => (e.type === EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION ? [e, e] : [e]))) });
  t.match(twice, { ok: false, code: "PCR_MISMATCH", findings: [{ pcr: 4, index: 3 }] });
  const at = recordedLog.events.findIndex((e) => e.pcr === 11);
  const swapped = logWith((es) => es.toSpliced(at, 4, ...es.slice(at + 2, at + 4), ...es.slice(at, at + 2)));
  t.match(await verdictOn({ firmwareLog: swapped }), { ok: false, code: "PCR_MISMATCH", findings: [{ pcr: 11, index: 0 }] });
});

t.test("P29b a check that breaks is a no", async (t) => {
  await unspoiled(t);
  const broken = new Proxy([], { get: () => { throw new Error("broken"); } });
  t.match(await verdictOn({ known: { releases: broken } }), { ok: false, code: "JUDGE_FAILED" });
});

t.test("the cache changes no verdict", async (t) => {
  const cache = new ReplayMemory(2);
  const asked = newChallenge();
  const evidence = await bench.answer(asked);
  const known = knownOf(tls, [release]);
  const challenge = challengeFor(asked, evidence);
  const cold = judge(evidence, challenge, known, cache);
  t.equal(codeOf(cold), "ok");
  t.same(judge(evidence, challenge, known, cache), cold, "seen");
  t.same(judge(evidence, challenge, known), cold, "and without");
  const other = { ...release, images: release.images.map((i) => ({ ...i, role: "lb" })) };
  t.equal(codeOf(judge(evidence, challenge, { ...known, releases: [other] }, cache)), "ROLE_MISMATCH", "rules are always asked");
  const lying = await bench.answer(asked, { userspaceLog: new Uint8Array(0), shown: { userspaceLog: words } });
  t.equal(codeOf(judge(lying, challenge, known, cache)), "LOG_MISMATCH", "a machine with other PCRs and a seen log");
  const failing = logWith((es) => es.filter((e) => e.pcr !== 7));
  for (let n = 0; n < 2; n++) {
    const bad = await bench.answer(asked, { firmwareLog: failing });
    t.equal(codeOf(judge(bad, challenge, known, cache)), "SEPARATOR_WRONG", "what failed isn't kept");
  }
});

t.test("the cache forgets what wasn't used for longest", async (t) => {
  const cache = new ReplayMemory(2);
  const replay = {} as Parameters<typeof cache.set>[1];
  for (const key of ["a", "b"]) cache.set(key, replay);
  cache.get("a");
  cache.set("c", replay);
  t.same(["a", "b", "c"].map((key) => cache.get(key) !== undefined), [true, false, true]);
});
