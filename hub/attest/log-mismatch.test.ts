import t from "tap";
import { BANK_NAMES, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, challengeFor, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { type Change, logOfBanks, logWith, measuring, newEvent, recordedLog, separatorRecords, utf16 } from "../../test/fakes/log-case.ts";
import { pcrsAfter, softMachine } from "../../test/fakes/soft-machine.ts";
import type { BankName } from "../../proto/eventlog/bank.ts";
import type { LoggedEvent } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { placeOf } from "./finding.ts";
import { judge } from "./judge.ts";
import type { Known } from "./types.ts";

const tls = newSpki();
const claims = claimsOf(tls);
const answer = softMachine();
const userspaceLog = userspaceLogOf(WORDS);
const release = releaseOf(firmwareLog);

interface Logs {
  readonly firmwareLog?: Uint8Array;
  readonly userspaceLog?: Uint8Array;
}

/** Where the first difference is and what is said of it, for a machine that measured one thing and shows another. Its TPM has one bank on, as ours have. */
function told(measured: Logs, shown: Logs, known: Partial<Known> = {}, banks: readonly BankName[] = ["sha256"]): readonly (readonly [string, string, string])[] {
  const asked = newChallenge();
  const pcrs = pcrsAfter(logOfBanks(banks, measured.firmwareLog), measured.userspaceLog ?? userspaceLog);
  const evidence = answer({ challenge: asked, claims, firmwareLog: logOfBanks(banks, shown.firmwareLog), userspaceLog: shown.userspaceLog ?? userspaceLog, pcrs });
  const verdict = judge(evidence, challengeFor(asked, evidence), { ...knownOf(tls, [release]), ...known });
  if (verdict.ok || verdict.code !== "LOG_MISMATCH") throw new Error(verdict.ok ? "it passed" : `${verdict.code}: ${verdict.message}`);
  return verdict.findings.map((f) => [placeOf(f), f.expected, f.found]);
}

const locality3: LoggedEvent = { ...{ pcr: 0, type: EVENT_TYPE.EV_NO_ACTION, typeName: "EV_NO_ACTION" }, digests: recordedLog.banks.map((b) => new Uint8Array(b.size)), data: concatBytes(utf8("StartupLocality\0"), Uint8Array.of(3)) };
const isUki = (e: LoggedEvent): boolean => e.type === EVENT_TYPE.EV_EFI_BOOT_SERVICES_APPLICATION;
const otherUki: Change = (es) => es.map((e) => (isUki(e) ? measuring(e, utf8("another file")) : e));
const otherOsrel: Change = (es) => es.map((e, i) => (e.pcr === 11 && es.slice(0, i).filter((x) => x.pcr === 11).length === 3 ? measuring(e, utf8("altered")) : e));

t.test("events that the TPM never saw: the first of them, where a replay last agreed with it", async (t) => {
  const late = logWith((es) => [...es, newEvent(9, "EV_IPL", utf16("late")), newEvent(9, "EV_IPL", utf16("later"))]);
  const index = recordedLog.events.filter((e) => e.pcr === 9).length;
  t.match(told({}, { firmwareLog: late }), [[`PCR 9, event ${index}`, "nothing more", /"late"/]]);
  t.match(told({}, { userspaceLog: userspaceLogOf([...WORDS, "kubedos-admitted"]) }), [["PCR 11, event 15", "nothing more", /"kubedos-admitted"/]]);
});

t.test("a log that lacks or changes what the release has, where the TPM has it", async (t) => {
  t.match(told({}, { userspaceLog: new Uint8Array(0) }), [["PCR 11, event 12", /"enter-initrd"/, "nothing more"]]);
  t.match(told({}, { firmwareLog: logWith((es) => es.filter((e) => e.pcr !== 4)) }), [["PCR 4, event 0", /./, "nothing more"]]);
  t.match(told({}, { firmwareLog: logWith(otherUki) }), [["PCR 4, event 2", /boot application/, /boot application/]]);
  t.match(told({}, { firmwareLog: logWith((es) => otherOsrel(otherUki(es))) }), [["PCR 4, event 2", /./, /./], ["PCR 11, event 3", /UKI section \.osrel/, /UKI section \.osrel/]], "in two PCRs at once");
});

t.test("firmware that the log tells otherwise than at the approval", async (t) => {
  const asked = newChallenge();
  const evidence = answer({ challenge: asked, claims, firmwareLog, userspaceLog });
  const passed = judge(evidence, challengeFor(asked, evidence), knownOf(tls, [release]));
  if (!passed.ok) return t.fail(passed.message);
  const updated = logWith((es) => es.with(0, newEvent(0, "EV_S_CRTM_VERSION", utf16("2026.01"))));
  t.match(told({}, { firmwareLog: updated }, { baseline: passed.facts.firmware }), [["PCR 0, event 0", /firmware version/, /2026\.01/]]);
});

t.test("barriers and localities", async (t) => {
  const barriers = concatBytes(userspaceLogOf(WORDS.slice(0, 2)), separatorRecords(), userspaceLogOf(WORDS.slice(2)));
  t.match(told({ userspaceLog: barriers }, {}), [["userspaceLog", /where the TPM has it$/, "no record of it"]]);
  t.match(told({}, { userspaceLog: barriers }), [["userspaceLog", /since the TPM doesn't have it$/, /^records in PCR 0, 1,/]]);
  t.match(told({}, { firmwareLog: logWith((es) => [locality3, ...es]) }), [["firmwareLog.startupLocality", /^locality 0/, "locality 3"]]);
});

t.test("four banks, of which the release knows one: whatever the log itself or a word tells is found in all", async (t) => {
  const late = logWith((es) => [...es, newEvent(9, "EV_IPL", utf16("late"))]);
  const four = (measured: Logs, shown: Logs, known: Partial<Known> = {}) => told(measured, shown, known, BANK_NAMES);
  t.match(four({}, { firmwareLog: late }), [[/^PCR 9, event/, "nothing more", /"late"/]]);
  t.match(four({}, { userspaceLog: new Uint8Array(0) }), [["PCR 11, event 12", /"enter-initrd"/, "nothing more"]], "words that aren't told");
  t.match(four({}, { firmwareLog: logWith((es) => es.toSpliced(es.findIndex(isUki), 0, newEvent(4, "EV_EFI_ACTION", utf8("more")))) }), [["PCR 4, event 2", /boot application/, /more/]], "one event too many");
  const barriers = concatBytes(userspaceLogOf(WORDS.slice(0, 2)), separatorRecords(), userspaceLogOf(WORDS.slice(2)));
  t.match(four({ userspaceLog: barriers }, {}), [["userspaceLog", /where the TPM has it$/, "no record of it"]]);
  t.match(four({}, { userspaceLog: barriers }), [["userspaceLog", /since the TPM doesn't have it$/, /./]]);
  t.match(four({}, { firmwareLog: logWith((es) => [locality3, ...es]) }), [["firmwareLog.startupLocality", /^locality 0/, "locality 3"]]);
  t.match(four({}, { firmwareLog: logWith(otherUki) }), [["quote.pcrDigest", /differ from the image of worker in release [0-9a-f]{16} in PCR 4\)$/, /./]], "the release's own event is known by SHA-256 alone");
});

t.test("where nothing known is the truth, the logs' own pretence is said", async (t) => {
  const edited = told({ firmwareLog: logWith((es) => otherOsrel(otherUki(es))) }, {});
  t.match(edited, [["quote.pcrDigest", /^[0-9a-f]{64} \(by the logs; as shown they are those of the image of worker in release [0-9a-f]{16}\)$/, /^[0-9a-f]{64} \(signed by the TPM\)$/]]);
  const asked = newChallenge();
  const pcrs = pcrsAfter(logWith(otherUki), userspaceLog);
  const evidence = answer({ challenge: asked, claims, firmwareLog: logWith(otherOsrel), userspaceLog, pcrs });
  const whole = (known: Partial<Known>) => judge(evidence, challengeFor(asked, evidence), { ...knownOf(tls, [release]), ...known });
  const verdict = whole({});
  t.match(!verdict.ok && verdict.findings[0]?.expected, new RegExp(`as shown they differ from the image of worker in release ${release.id} in PCR 11\\)$`));
  const without = whole({ releases: [] });
  t.match(!without.ok && without.findings[0]?.expected, /no current release has an image of the claimed role/);
});

t.test("logs as long as they may be cost a bounded search", async (t) => {
  const many = logWith((es) => [...es, ...Array.from({ length: 1150 }, (_, i) => newEvent(5, "EV_EFI_ACTION", utf8(String(i))))]);
  const at = performance.now();
  t.equal(told({ firmwareLog: logWith(otherUki) }, { firmwareLog: many }, {}, BANK_NAMES)[0]?.[0], "quote.pcrDigest");
  t.ok(performance.now() - at < 2000, `it took ${performance.now() - at} ms`);
});
