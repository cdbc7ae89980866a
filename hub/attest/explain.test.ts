import t from "tap";
import { firmwareLog, releaseOf, ROLE, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { type Change, logWith, measuring, newEvent, recordedLog as log, utf16 } from "../../test/fakes/log-case.ts";
import { type Boot, VerdictBench } from "../../test/swtpm/verdict-bench.ts";
import type { LoggedEvent } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import type { PcrRule, Release } from "../../proto/release/release.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ATTEST_CODES, type AttestCode } from "./codes.ts";
import { type Finding, placeOf } from "./finding.ts";
import type { Verdict } from "./types.ts";

const release = releaseOf(firmwareLog);
const bench = new VerdictBench([release]);
t.teardown(() => bench.stop());

/** The verdict on a machine that really booted like this. */
const verdictOn = (boot: Boot): Promise<Verdict> => bench.verdictOn(boot);

async function refused(t: Tap, boot: Boot, code: AttestCode): Promise<Extract<Verdict, { ok: false }>> {
  const verdict = await verdictOn(boot);
  if (verdict.ok || verdict.code !== code) throw new Error(`${verdict.ok ? "it passed" : `${verdict.code}: ${verdict.message}`}, not ${code}`);
  t.pass(`${code}: ${verdict.message}`);
  return verdict;
}
type Tap = Pick<typeof t, "pass">;

const placed = (finding: Finding): readonly string[] => [placeOf(finding), finding.code];

/** What the stub measures: an altered section changes PCR 11 there, and PCR 4 by the whole file. */
const alteredOsrel: Change = (events) =>
  events.map((event, i) => {
    const isOsrel = event.pcr === 11 && events.slice(0, i).filter((e) => e.pcr === 11).length === 3;
    const isUki = event.type === EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION;
    return isOsrel || isUki ? measuring(event, utf8(isUki ? "another file" : "PRETTY_NAME=altered")) : event;
  });

/** The recorded boot, unspoiled: each test has it beside what it spoils. */
async function unspoiled(t: Tap & { equal(found: unknown, wanted: unknown, message: string): unknown }): Promise<void> {
  t.equal((await verdictOn({})).ok, true, "unspoiled it passes");
}

t.test("another os-release, said by a real TPM", async (t) => {
  await unspoiled(t);
  const verdict = await verdictOn({ firmwareLog: logWith(alteredOsrel) });
  if (verdict.ok) return t.fail("it passed");
  t.equal(verdict.code, "PCR_MISMATCH");
  t.same(verdict.findings.map(placed), [["PCR 4, event 2", "PCR_MISMATCH"], ["PCR 11, event 3", "PCR_MISMATCH"]], "both PCRs, ascending, at their first difference");
  const [uki, section] = verdict.findings;
  t.match(uki?.found, `(boot application \\EFI\\BOOT\\BOOTX64.EFI)`);
  t.equal(section?.what, "contents of the UKI: content of UKI section .osrel (the OS release text)");
  t.equal(section?.expected, "7a7ac073025e7b105685ca266e4fc7e4c8a59b440c33331be8aa5185622bed91 (content of UKI section .osrel (the OS release text))");
  t.equal(section?.found, `${toHex(sha256(utf8("PRETTY_NAME=altered")))} (content of UKI section .osrel (the OS release text))`);
  t.match(section?.cause, "the image was altered");
  t.match(verdict.message, "PCR 4, event 2", "the sentence names the first of them");
});

t.test("handed over from outside", async (t) => {
  await unspoiled(t);
  const commandLine = newEvent(12, "EV_IPL", utf16("evil=1 init=/bin/sh"));
  const { findings } = await refused(t, { firmwareLog: logWith((es) => [...es, commandLine]) }, "PCR_NOT_ZERO");
  t.same(findings.map((f) => [placeOf(f), f.expected]), [["PCR 12, event 0", "nothing, ever"]]);
  t.match(findings[0]?.found, '(boot loader text "evil=1 init=/bin/sh")', "the injected command line stands there");
  const escape = await refused(t, { firmwareLog: logWith((es) => [...es, newEvent(13, "EV_IPL", utf16("\x1b]0;x\x07"))]) }, "PCR_NOT_ZERO");
  t.match(escape.findings[0]?.found, '"\\u{1b}]0;x\\u{7}"', "and can't speak to a terminal");
  await refused(t, { firmwareLog: logWith((es) => [...es, newEvent(14, "EV_IPL", utf16("MokList"))]) }, "PCR_NOT_ZERO");
  const both = await refused(t, { firmwareLog: logWith((es) => [...alteredOsrel(es), commandLine]) }, "PCR_MISMATCH");
  t.same(both.findings.map((f) => placeOf(f).slice(0, 6)), ["PCR 4,", "PCR 11", "PCR 12"], "all differences are reported, the worst names the verdict");
});

t.test("words", async (t) => {
  await unspoiled(t);
  const words = (...said: string[]): Boot => ({ userspaceLog: userspaceLogOf(said) });
  const all = [...WORDS, "kubedos-admitted", "kubedos-sealed"];
  for (const n of [3, 4, 5]) {
    const verdict = await verdictOn(words(...all.slice(0, n)));
    t.equal(verdict.ok && verdict.facts.phase, all[n - 1], `phase ${all[n - 1]}`);
  }
  const early = await refused(t, words("enter-initrd", "leave-initrd"), "PHASE_WRONG");
  t.match(early.findings[0], { pcr: 11, index: 14, expected: /\(the word "kubedos-agent"\)$/, found: "nothing more" });
  await refused(t, words(), "PHASE_WRONG");
  await refused(t, words(...all, "one-more"), "PHASE_WRONG");
  await refused(t, words("leave-initrd", "enter-initrd", "kubedos-agent"), "PHASE_WRONG");
  const foreign = await refused(t, words("enter-initrd", "leave-initrd", "sysinit", "kubedos-agent"), "PHASE_WRONG");
  t.match(foreign.findings[0], { index: 14, found: /\(the word "sysinit"\)$/ });
  const failed = await refused(t, words("enter-initrd", "kubedos-failed"), "BOOT_FAILED");
  t.match(failed.findings[0], { pcr: 11, index: 13, found: /kubedos-failed/ });
  await refused(t, { ...words("kubedos-failed"), firmwareLog: logWith(alteredOsrel) }, "BOOT_FAILED");
  await refused(t, words(...WORDS, "kubedos-failed"), "BOOT_FAILED");
  const inFirmware = logWith((es) => [...es, ...WORDS.map((word) => newEvent(11, "EV_IPL", utf8(word)))]);
  const misplaced = await refused(t, { firmwareLog: inFirmware, userspaceLog: new Uint8Array(0) }, "PCR_MISMATCH");
  t.match(misplaced.findings[0], { pcr: 11, index: 12, expected: "nothing more" }, "the same words in the firmware's log don't count");
  // A record whose text isn't what was measured, under a type that the parser doesn't compare.
  const lie = utf8(new TextDecoder().decode(userspaceLogOf(WORDS)).replace('"string":"kubedos-agent"', '"string":"kubedos-sealed"').replace(/phase(?="}}\n$)/, "other"));
  const lying = await verdictOn({ userspaceLog: lie });
  t.equal(lying.ok && lying.facts.phase, "kubedos-agent", "the phase is the measured one");
});

t.test("sections come, go and move", async (t) => {
  await unspoiled(t);
  const at = log.events.findIndex((e) => e.pcr === 11);
  const without = await refused(t, { firmwareLog: logWith((es) => es.filter((_, i) => i !== at && i !== at + 1)) }, "PCR_MISMATCH");
  t.match(without.findings[0], { index: 0, expected: /name of UKI section \.linux/, found: /name of UKI section \.osrel/ });
  const more = await refused(t, { firmwareLog: logWith((es) => [...es, newEvent(11, "EV_IPL", utf16(".dtb"))]) }, "PCR_MISMATCH");
  t.match(more.findings[0], { index: 12, expected: "nothing more", found: /content of UKI section \.dtb \(the device tree\)/ });
  const less = await refused(t, { firmwareLog: logWith((es) => es.filter((e, i) => !(e.pcr === 11 && i > at + 9))) }, "PCR_MISMATCH");
  t.match(less.findings[0], { index: 10, expected: /\.sbat/, found: "nothing more" });
  const twice = await refused(t, { firmwareLog: logWith((es) => es.flatMap((e) => (e.type === EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION ? [e, e] : [e]))) }, "PCR_MISMATCH");
  t.match(twice.findings[0], { pcr: 4, index: 3, expected: "nothing more" }, "P27 a second image");
});

t.test("Secure Boot", async (t) => {
  await unspoiled(t);
  const isVariable = (e: LoggedEvent): boolean => e.type === EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG;
  const first = log.events.findIndex(isVariable);
  const variable = log.events[first];
  if (variable === undefined) throw new Error("no variable in the log");
  const off = measuring({ ...variable, data: variable.data.with(-1, 0) }, variable.data.with(-1, 0));
  await refused(t, { firmwareLog: logWith((es) => es.with(first, off)) }, "SECURE_BOOT_OFF");
  await refused(t, { firmwareLog: logWith((es) => es.filter((_, i) => i !== first)) }, "SECURE_BOOT_OFF");
  await refused(t, { firmwareLog: logWith((es) => es.toSpliced(first, 0, variable)) }, "SECURE_BOOT_OFF");
  await refused(t, { firmwareLog: logWith((es) => [...es, variable]) }, "SECURE_BOOT_OFF");
  const kek = log.events.filter(isVariable)[2];
  if (kek === undefined) throw new Error("no KEK in the log");
  const other = measuring({ ...kek, data: kek.data.with(-1, 9) }, kek.data.with(-1, 9));
  const { findings } = await refused(t, { firmwareLog: logWith((es) => es.map((e) => (e === kek ? other : e))) }, "PCR_MISMATCH");
  t.match(findings[0], { pcr: 7, index: 2, expected: /UEFI variable KEK: certificate CN=kubedos exp KEK/, cause: /Secure Boot's keys/ });
});

t.test("P11 separators", async (t) => {
  await unspoiled(t);
  const error = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
  for (const pcr of [0, 4, 7]) {
    const at = log.events.findIndex((e) => e.pcr === pcr && e.type === EVENT_TYPE.EV_SEPARATOR);
    const separator = log.events[at];
    if (separator === undefined) throw new Error("no separator in the log");
    await refused(t, { firmwareLog: logWith((es) => es.toSpliced(at, 1)) }, "SEPARATOR_WRONG");
    await refused(t, { firmwareLog: logWith((es) => es.toSpliced(at, 0, separator)) }, "SEPARATOR_WRONG");
    await refused(t, { firmwareLog: logWith((es) => es.with(at, measuring({ ...separator, data: error }, error))) }, "SEPARATOR_WRONG");
    await refused(t, { firmwareLog: logWith((es) => es.with(at, measuring(separator, utf8("x")))) }, "SEPARATOR_WRONG");
    await refused(t, { firmwareLog: logWith((es) => [...es, measuring({ ...separator, type: EVENT_TYPE.EV_IPL }, error)]) }, "SEPARATOR_WRONG");
    await refused(t, { firmwareLog: logWith((es) => [...es, { ...separator, type: EVENT_TYPE.EV_IPL }]) }, "SEPARATOR_WRONG");
  }
});

t.test("releases and roles", async (t) => {
  await unspoiled(t);
  const altered = logWith(alteredOsrel);
  const master = releaseOf(altered, "master", 1);
  const both: Release = { ...release, images: [...release.images, ...master.images] };
  t.equal((await verdictOn({ known: { releases: [both] } })).ok, true, "the right one of two images");
  await refused(t, { firmwareLog: altered, known: { releases: [both] } }, "ROLE_MISMATCH");
  const ok = await verdictOn({ firmwareLog: altered, role: "master", known: { releases: [both], pinnedRole: "master" } });
  t.equal(ok.ok && ok.facts.image.role, "master");
  await refused(t, { firmwareLog: altered, role: "master", known: { releases: [both] } }, "ROLE_MISMATCH");
  await refused(t, { role: "lb" }, "ROLE_MISMATCH");
  await refused(t, { firmwareLog: altered, role: "lb" }, "ROLE_UNKNOWN");

  const newer = releaseOf(altered, ROLE, 2);
  const waits = await refused(t, { firmwareLog: altered, known: { releases: [release], otherReleases: [{ release: newer, withdrawn: false }] } }, "RELEASE_NOT_CURRENT");
  t.match(waits, { message: /release 0123456789abcdef, generation 2\.$/, findings: [{ field: "release", expected: "release 0123456789abcdef (generation 1), current", found: "release 0123456789abcdef (generation 2), not current" }] }, "it says which release, not how it differs from another");
  const old = await verdictOn({ known: { releases: [release, newer] } });
  t.equal(old.ok && old.facts.release.generation, 1, "an older release that is still current");
  const same = await verdictOn({ known: { releases: [release, releaseOf(firmwareLog, ROLE, 3)] } });
  t.equal(same.ok && same.facts.release.generation, 3, "an image that two releases share counts for the newer");
  const third = logWith((es) => es.map((e) => (e.type === EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION ? measuring(e, utf8("third")) : e)));
  const { findings } = await refused(t, { firmwareLog: third, known: { releases: [release, newer] } }, "PCR_MISMATCH");
  t.match(findings[0]?.expected, toHex(sha256(utf8("another file"))), "a stranger is compared with the newest");
});

t.test("rules that a release shouldn't have", async (t) => {
  await unspoiled(t);
  const withRule = (pcr: number, rule: PcrRule): Boot => ({
    known: { releases: [{ ...release, images: release.images.map((image) => ({ ...image, pcrs: { ...image.pcrs, [pcr]: rule } })) }] },
  });
  const pcr4 = release.images[0]?.pcrs["4"];
  const pcr11 = release.images[0]?.pcrs["11"];
  if (pcr4?.rule !== "exact" || pcr11?.rule !== "words") throw new Error("the rules are others");
  const { findings } = await refused(t, withRule(4, { ...pcr4, value: "0".repeat(64) }), "PCR_MISMATCH");
  t.match(findings[0], { at: "pcr", expected: /its own events don't add up to/ });
  await refused(t, withRule(4, { rule: "exact", events: [], value: "0".repeat(64) }), "PCR_MISMATCH");
  await refused(t, withRule(11, { ...pcr11, earliest: "never" }), "PHASE_WRONG");
  await refused(t, withRule(11, { rule: "zero" }), "PCR_NOT_ZERO");
  t.equal((await verdictOn(withRule(4, { rule: "replayed" }))).ok, true);
});

t.test("firmware recorded at the approval", async (t) => {
  await unspoiled(t);
  const passed = await verdictOn({});
  if (!passed.ok) return t.fail(passed.message);
  const baseline = passed.facts.firmware;
  for (const pcr of [0, 1, 2, 3]) t.equal(baseline.values[pcr], passed.facts.pcrs[pcr]);
  t.equal((await verdictOn({ known: { baseline } })).ok, true);
  const updated = logWith((es) => es.with(0, newEvent(0, "EV_S_CRTM_VERSION", utf16("2026.01"))));
  const { findings } = await refused(t, { firmwareLog: updated, known: { baseline } }, "FIRMWARE_CHANGED");
  t.match(findings, [{ pcr: 0, index: 0, what: /^firmware version: /, found: /firmware version "2026\.01"/, cause: /updated/ }], "event by event");
  const whole = await refused(t, { firmwareLog: updated, known: { baseline: { ...baseline, events: {} } } }, "FIRMWARE_CHANGED");
  t.match(whole.findings, [{ at: "pcr", pcr: 0, expected: `${baseline.values["0"]} (recorded at the approval)` }], "or as a whole, where no events were recorded");
  t.equal((await verdictOn({ firmwareLog: updated })).ok, true, "before the approval any firmware may ask");
});

t.test("every code has its words", async (t) => {
  for (const [code, { text, cause, next }] of Object.entries(ATTEST_CODES)) {
    t.match(code, /^[A-Z0-9_]+$/);
    for (const sentence of [text, cause]) t.match(sentence, /^[A-Z].*\.$/, `${code}: ${sentence}`);
    t.match(next, /^[a-z].*[^.]$/, `${code}: ${next}`);
  }
});
