import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { guidBytes } from "../../builder/efi/guid.ts";
import { firmwareLog, releaseOf } from "../../test/fakes/evidence-case.ts";
import { type Change, logWith, measuring, newEvent, recordedLog, variableData } from "../../test/fakes/log-case.ts";
import { VerdictBench } from "../../test/swtpm/verdict-bench.ts";
import { vectorsDir } from "../../test/vectors.ts";
import type { LoggedEvent } from "../../proto/eventlog/event-log.ts";
import { EVENT_TYPE } from "../../proto/eventlog/event-type.ts";
import { EFI_GLOBAL_GUID, EFI_IMAGE_SECURITY_GUID } from "../../proto/eventlog/guid.ts";
import type { PcrRule, Release } from "../../proto/release/release.ts";
import { concatBytes, sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { ByteWriter } from "../../proto/wire/writer.ts";
import type { Verdict } from "./types.ts";

const GLOBAL = guidBytes(EFI_GLOBAL_GUID);
const SECURITY = guidBytes(EFI_IMAGE_SECURITY_GUID);
const OWNER = guidBytes("11111111-2222-3333-4444-555555555555");
const X509 = guidBytes("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
const SHA256 = guidBytes("c1c41626-504c-4092-aca9-41f936934328");
const certificate = (name: string): Uint8Array => new Uint8Array(new X509Certificate(readFileSync(join(vectorsDir, "own-boot", name))).raw);
const [pk, kek, db] = ["PK.crt", "KEK.crt", "db.crt"].map(certificate) as [Uint8Array, Uint8Array, Uint8Array];
const foreign = kek;

function list(type: Uint8Array, ...bodies: readonly Uint8Array[]): Uint8Array {
  const size = 16 + (bodies[0]?.length ?? 0);
  const w = new ByteWriter().bytes(type).u32le(28 + size * bodies.length).u32le(0).u32le(size);
  for (const body of bodies) w.bytes(OWNER).bytes(body);
  return w.done();
}

const config = (guid: Uint8Array, name: string, data: Uint8Array): LoggedEvent => newEvent(7, "EV_EFI_VARIABLE_DRIVER_CONFIG", variableData(guid, name, data));
const authority = (der: Uint8Array, name = "db", guid = SECURITY): LoggedEvent => newEvent(7, "EV_EFI_VARIABLE_AUTHORITY", variableData(guid, name, concatBytes(OWNER, der)));
/** PCR 7 of the recorded boot, event by event. */
const healthy = recordedLog.events.filter((e) => e.pcr === 7);
const [on, recordedPk, recordedKek, , dbx, separator] = healthy as [LoggedEvent, LoggedEvent, LoggedEvent, LoggedEvent, LoggedEvent, LoggedEvent];
const keys = [recordedPk, recordedKek];
/** What its dbx forbids: the hash of nothing. */
const floor = sha256();
const other = sha256(utf8("forbidden"));

/** The recorded boot with another PCR 7. */
const withPcr7 = (events: readonly LoggedEvent[]): Change => (es) => [...es.filter((e) => e.pcr !== 7), ...events];
const fingerprint = (der: Uint8Array): string => toHex(sha256(der));
const rule: PcrRule = { rule: "secure-boot", pk: [fingerprint(pk)], kek: [fingerprint(kek)], db: [fingerprint(db)], dbxFloor: [toHex(floor)] };

function releaseWith(pcr7: PcrRule): Release {
  const release = releaseOf(firmwareLog);
  return { ...release, images: release.images.map((i) => ({ ...i, pcrs: { ...i.pcrs, 7: pcr7 } })) };
}

const bench = new VerdictBench([]);
t.teardown(() => bench.stop());
const verdictOn = (events: readonly LoggedEvent[], pcr7: PcrRule = { rule: "replayed" }): Promise<Verdict> =>
  bench.verdictOn({ firmwareLog: logWith(withPcr7(events)), releases: [releaseWith(pcr7)] });

const codeOf = (verdict: Verdict): string => (verdict.ok ? "ok" : verdict.code);

t.test("P25 Secure Boot's variables, whatever the release's rule for PCR 7 is", async (t) => {
  t.equal(codeOf(await verdictOn(healthy)), "ok", "unspoiled it passes");
  const [, ...rest] = healthy;
  const before = (...events: LoggedEvent[]): readonly LoggedEvent[] => [...events, ...healthy];
  const cases: readonly (readonly [string, string, readonly LoggedEvent[]])[] = [
    ["SecureBoot of no length", "SECURE_BOOT_OFF", [config(GLOBAL, "SecureBoot", new Uint8Array(0)), ...rest]],
    ["SecureBoot of two bytes", "SECURE_BOOT_OFF", [config(GLOBAL, "SecureBoot", Uint8Array.of(1, 1)), ...rest]],
    ["SecureBoot 0", "SECURE_BOOT_OFF", [config(GLOBAL, "SecureBoot", Uint8Array.of(0)), ...rest]],
    ["SecureBoot 2", "SECURE_BOOT_OFF", [config(GLOBAL, "SecureBoot", Uint8Array.of(2)), ...rest]],
    ["SecureBoot of another vendor", "SECURE_BOOT_VARIABLE_WRONG", [config(SECURITY, "SecureBoot", Uint8Array.of(1)), ...rest]],
    ["no SecureBoot", "SECURE_BOOT_OFF", rest],
    ["SecureBoot twice", "SECURE_BOOT_OFF", before(on)],
    ["SecureBoot after the separator", "SECURE_BOOT_OFF", [...rest, on]],
    ["AuditMode on", "SECURE_BOOT_OFF", before(config(GLOBAL, "AuditMode", Uint8Array.of(1)))],
    ["SetupMode on", "SECURE_BOOT_OFF", before(config(GLOBAL, "SetupMode", Uint8Array.of(1)))],
    ["DeployedMode 2", "SECURE_BOOT_OFF", before(config(GLOBAL, "DeployedMode", Uint8Array.of(2)))],
    ["UEFI Debug Mode", "SECURE_BOOT_OFF", before(newEvent(7, "EV_EFI_ACTION", utf8("UEFI Debug Mode")))],
    ["DMA Protection Disabled", "SECURE_BOOT_VARIABLE_WRONG", before(newEvent(7, "EV_EFI_ACTION", utf8("DMA Protection Disabled")))],
    ["a variable twice", "SECURE_BOOT_VARIABLE_WRONG", before(config(SECURITY, "db", list(X509, db)))],
    ["a variable after the separator", "SECURE_BOOT_VARIABLE_WRONG", [...healthy, config(SECURITY, "dbr", new Uint8Array(0))]],
    ["a variable that is none of them", "SECURE_BOOT_VARIABLE_WRONG", before(config(SECURITY, "vendor_db", list(X509, db)))],
    ["a list that contradicts itself", "SECURE_BOOT_VARIABLE_WRONG", healthy.map((e) => (e === dbx ? config(SECURITY, "dbx", list(SHA256, other).with(20, 9)) : e))],
    ["other data under a variable's digest", "SECURE_BOOT_VARIABLE_WRONG", healthy.map((e) => (e === dbx ? { ...e, data: e.data.with(-1, 0) } : e))],
    ["no authority", "SECURE_BOOT_AUTHORITY_WRONG", healthy.slice(0, -1)],
    ["an authority before the separator alone", "SECURE_BOOT_AUTHORITY_WRONG", [authority(db), ...healthy.slice(0, -1)]],
    ["an authority that isn't in db", "SECURE_BOOT_AUTHORITY_WRONG", [...healthy, authority(foreign)]],
    ["an authority of shim", "SECURE_BOOT_AUTHORITY_WRONG", [...healthy, authority(db, "Shim", guidBytes("605dab50-e046-4300-abb6-3dd810dd8b23"))]],
    ["an authority of another list", "SECURE_BOOT_AUTHORITY_WRONG", [...healthy, authority(db, "MokListTrusted")]],
    ["other data under an authority's digest", "SECURE_BOOT_AUTHORITY_WRONG", [...healthy.slice(0, -1), { ...authority(foreign), data: authority(db).data }]],
    ["an authority with a byte behind it", "SECURE_BOOT_AUTHORITY_WRONG", [...healthy, newEvent(7, "EV_EFI_VARIABLE_AUTHORITY", concatBytes(authority(db).data, new Uint8Array(1)))]],
  ];
  for (const [name, code, events] of cases) t.equal(codeOf(await verdictOn(events)), code, name);
  t.equal(codeOf(await verdictOn([config(GLOBAL, "DeployedMode", Uint8Array.of(1)), config(GLOBAL, "AuditMode", Uint8Array.of(0)), ...healthy])), "ok", "deployed, not auditing");
  t.equal(codeOf(await verdictOn([authority(db), ...healthy])), "ok", "an option ROM that db allowed");
});

t.test("P10 every type of PCR 7 rewritten, and variables of the attacker's added", async (t) => {
  t.equal(codeOf(await verdictOn(healthy)), "ok", "unspoiled it passes");
  const off = [config(GLOBAL, "SecureBoot", Uint8Array.of(0)), ...healthy.slice(1)];
  const hidden = off.map((e) => (e === separator ? e : { ...e, type: EVENT_TYPE.EV_UNUSED }));
  t.equal(codeOf(await verdictOn(hidden)), "SECURE_BOOT_OFF", "hidden");
  const unmeasured = recordedLog.banks.map((b) => new Uint8Array(b.size).fill(1));
  const told = [...hidden, ...healthy.filter((e) => e !== separator).map((e) => ({ ...e, digests: unmeasured }))];
  t.equal(codeOf(await verdictOn(told)), "SECURE_BOOT_OFF", "and told otherwise");
  t.equal(codeOf(await verdictOn([...healthy, { ...authority(foreign), type: EVENT_TYPE.EV_EFI_PLATFORM_FIRMWARE_BLOB }])), "SECURE_BOOT_VARIABLE_WRONG", "one of them re-typed");
});

t.test("P25 the rule secure-boot: our keys alone, and dbx at least the floor", async (t) => {
  t.equal(codeOf(await verdictOn(healthy, rule)), "ok");
  const replaced = (name: string, data: Uint8Array): readonly LoggedEvent[] =>
    healthy.map((e) => (Buffer.from(e.data).includes(Buffer.from(name, "utf16le")) && e.type === EVENT_TYPE.EV_EFI_VARIABLE_DRIVER_CONFIG ? config(name === "db" || name === "dbx" ? SECURITY : GLOBAL, name, data) : e));
  const wider = [on, ...keys, config(SECURITY, "db", concatBytes(list(X509, db), list(X509, foreign))), dbx, separator, authority(db)];
  const hashInDb = [on, ...keys, config(SECURITY, "db", concatBytes(list(X509, db), list(SHA256, other))), dbx, separator, authority(db)];
  const cases: readonly (readonly [string, readonly LoggedEvent[], RegExp])[] = [
    ["another PK", replaced("PK", list(X509, foreign)), /UEFI variable PK/],
    ["no KEK", healthy.filter((e) => e !== keys[1]), /UEFI variable KEK/],
    ["a further certificate in db", wider, /UEFI variable db/],
    ["a hash in db", hashInDb, /UEFI variable db/],
    ["a dbx without what the release forbids", healthy.map((e) => (e === dbx ? config(SECURITY, "dbx", list(SHA256, other)) : e)), /UEFI variable dbx/],
    ["no dbx", healthy.filter((e) => e !== dbx), /UEFI variable dbx/],
  ];
  for (const [name, events, what] of cases) {
    const verdict = await verdictOn(events, rule);
    t.equal(codeOf(verdict), "SECURE_BOOT_POLICY_WRONG", name);
    t.match(!verdict.ok && verdict.findings[0]?.what, what);
  }
  const longer = healthy.map((e) => (e === dbx ? config(SECURITY, "dbx", concatBytes(list(SHA256, floor), list(SHA256, sha256(utf8("more")), other), list(X509, foreign))) : e));
  t.equal(codeOf(await verdictOn(longer, rule)), "ok", "a longer dbx is fine");
  t.equal(codeOf(await verdictOn(healthy.map((e) => (e === dbx ? measuring({ ...e, data: e.data }, e.data) : e)), rule)), "ok");
});
