import "reflect-metadata";
import { generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { BasicConstraints, Certificate, ExtendedKeyUsage, KeyUsage, NameConstraints, SubjectAlternativeName } from "@peculiar/asn1-x509";
import t from "tap";
import { concatBytes } from "../wire/bytes.ts";
import { bitString, boolean, context, der, objectId, sequence, smallInteger, time, unsignedInteger, utf8String } from "../wire/der.ts";
import { WireError } from "../wire/error.ts";
import { fromHex, toHex } from "../wire/hex.ts";
import { issueIntermediate, issueLeaf, issueRoot } from "./issue.ts";
import { EXTENSION, parseCertificate, readBasicConstraints, readExtKeyUsage, readKeyUsage, readOnlyUri, readPermittedUri } from "./parse-certificate.ts";
import { issueSelfSigned } from "./self-signed.ts";

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const span = { notBefore: new Date("2026-01-02T03:04:05Z"), notAfter: new Date("2150-01-01T00:00:00Z"), serial: randomBytes(16), subjectKey: key };
const root = await issueRoot({ ...span, cluster: "demo", key });
const issuer = { certificate: await issueIntermediate({ ...span, cluster: "demo", role: "hub", issuer: { certificate: root, key } }), key };
const leaf = await issueLeaf({ ...span, cluster: "demo", role: "hub", name: "master-1", issuer });
const all = { root, intermediate: issuer.certificate, leaf, "self-signed": issueSelfSigned({ ...span, key }) };

/** The same by the library that issues. Throws what it throws. */
function byLibrary(certificate: Uint8Array) {
  const { tbsCertificate: tbs } = AsnConvert.parse(certificate, Certificate);
  const { validity } = tbs;
  const extensions = (tbs.extensions ?? []).map((e) => ({ id: e.extnID, critical: e.critical, value: new Uint8Array(e.extnValue.buffer) }));
  return { notBefore: validity.notBefore.getTime(), notAfter: validity.notAfter.getTime(), extensions };
}

t.test("it reads what the library reads", async (t) => {
  for (const [name, certificate] of Object.entries(all)) t.same(parseCertificate(certificate), byLibrary(certificate), name);
  const value = (certificate: Uint8Array, id: string): Uint8Array => parseCertificate(certificate).extensions.find((e) => e.id === id)?.value ?? new Uint8Array(0);
  const basic = AsnConvert.parse(value(root, EXTENSION.basicConstraints), BasicConstraints);
  t.same(readBasicConstraints(value(root, EXTENSION.basicConstraints)), { ca: basic.cA, pathLength: basic.pathLenConstraint });
  t.same(readBasicConstraints(value(leaf, EXTENSION.basicConstraints)), { ca: false, pathLength: null });
  t.same(readKeyUsage(value(root, EXTENSION.keyUsage)), [5]);
  t.equal(AsnConvert.parse(value(root, EXTENSION.keyUsage), KeyUsage).toNumber(), 1 << 5);
  t.same(readExtKeyUsage(value(leaf, EXTENSION.extKeyUsage)), [...AsnConvert.parse(value(leaf, EXTENSION.extKeyUsage), ExtendedKeyUsage)]);
  t.equal(readOnlyUri(value(leaf, EXTENSION.subjectAltName)), AsnConvert.parse(value(leaf, EXTENSION.subjectAltName), SubjectAlternativeName)[0]?.uniformResourceIdentifier);
  const constraints = AsnConvert.parse(value(issuer.certificate, EXTENSION.nameConstraints), NameConstraints);
  t.equal(readPermittedUri(value(issuer.certificate, EXTENSION.nameConstraints)), constraints.permittedSubtrees?.[0]?.base.uniformResourceIdentifier);
});

t.test("one bit changed anywhere: refused, or read as the library reads it", async (t) => {
  let read = 0;
  const wrong: string[] = [];
  for (const [name, certificate] of Object.entries(all)) {
    for (let at = 0; at < certificate.length; at++) {
      const spoiled = Uint8Array.from(certificate);
      // Each bit's turn comes; all of them would take the library half a minute.
      spoiled[at]! ^= 1 << (at & 7);
      try {
        const mine = JSON.stringify(parseCertificate(spoiled));
        // Names, algorithms and key are the library's and OpenSSL's to refuse; what OpenSSL refuses is never judged further.
        const wanted = JSON.stringify(orNull(() => new X509Certificate(spoiled) && byLibrary(spoiled)));
        if (wanted !== "null") read++;
        if (wanted !== "null" && mine !== wanted) wrong.push(`${name} ${at}`);
      } catch (error) {
        if (!(error instanceof WireError)) wrong.push(`${name} ${at}: ${String(error)}`);
      }
    }
    for (let n = 0; n < certificate.length; n++) if (!refuses(certificate.subarray(0, n))) wrong.push(`${name} cut at ${n}`);
    if (!refuses(concatBytes(certificate, Uint8Array.of(0)))) wrong.push(`${name} with a byte behind`);
  }
  t.same(wrong, []);
  t.ok(read > 500, `${read} changed certificates were read by both`);
});

function orNull<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

function refuses(certificate: Uint8Array): boolean {
  try {
    parseCertificate(certificate);
    return false;
  } catch (error) {
    return error instanceof WireError;
  }
}

const algorithm = sequence(objectId("1.2.840.10045.4.3.2"));
const name = sequence(utf8String("x"));
/** A certificate by hand; each part can be another. */
function made(change: Partial<Record<"version" | "dates" | "extensions" | "more", Uint8Array>> = {}): Uint8Array {
  const { version = context(0, smallInteger(2)), dates = sequence(time(span.notBefore), time(span.notAfter)), extensions = context(3, sequence()), more = new Uint8Array(0) } = change;
  return sequence(sequence(version, unsignedInteger(span.serial), algorithm, name, dates, name, sequence(), extensions, more), algorithm, bitString(new Uint8Array(8)));
}

t.test("what no certificate of ours has is refused", async (t) => {
  t.same(parseCertificate(made()).extensions, [], "the unspoiled one is read");
  const extension = (...parts: readonly Uint8Array[]): Uint8Array => context(3, sequence(sequence(objectId("2.5.29.19"), ...parts)));
  const date = (text: string): Uint8Array => sequence(der(text.length === 13 ? 0x17 : 0x18, new TextEncoder().encode(text)), time(span.notAfter));
  t.equal(parseCertificate(made({ dates: date("500101000000Z") })).notBefore.toISOString(), "1950-01-01T00:00:00.000Z");
  const cases: [string, Uint8Array][] = [
    ["version 1", made({ version: context(0, smallInteger(0)) })],
    ["no extensions", made({ extensions: new Uint8Array(0) })],
    ["something behind the extensions", made({ more: smallInteger(1) })],
    ["critical FALSE written out", made({ extensions: extension(boolean(false), der(0x04)) })],
    ["critical as 01", made({ extensions: extension(der(0x01, Uint8Array.of(1)), der(0x04)) })],
    ["an extension with more than its value", made({ extensions: extension(der(0x04), smallInteger(1)) })],
    ["17 extensions", made({ extensions: context(3, sequence(...Array.from({ length: 17 }, () => sequence(objectId("2.5.29.19"), der(0x04))))) })],
    ["the 30th of February", made({ dates: date("260230000000Z") })],
    ["hour 24", made({ dates: date("260101240000Z") })],
    ["a date without seconds", made({ dates: date("2601010000Z") })],
    ["a date of another zone", made({ dates: date("20260101000000+01") })],
    ["a length without end", fromHex("3080")],
    ["a length in five bytes", fromHex("308400000001")],
    ["a length that isn't the shortest", concatBytes(fromHex("308100"))],
    ["a leading zero in a length", concatBytes(fromHex("30820005"), new Uint8Array(5))],
  ];
  for (const [what, certificate] of cases) t.throws(() => parseCertificate(certificate), WireError, what);
});

t.test("extensions that only look like ours", async (t) => {
  const uri = (text: string): Uint8Array => der(0x86, new TextEncoder().encode(text));
  t.equal(readOnlyUri(sequence(uri("kubedos://a"))), "kubedos://a");
  t.equal(readOnlyUri(sequence(uri("kubedos://a"), uri("kubedos://b"))), null, "a second name");
  t.equal(readOnlyUri(sequence(der(0x82, new TextEncoder().encode("a")))), null, "a DNS name");
  t.equal(readOnlyUri(sequence()), null, "none");
  t.throws(() => readOnlyUri(sequence(uri("kubedos://a\0b"))), WireError, "a NUL in it");
  t.throws(() => readOnlyUri(concatBytes(sequence(uri("a")), Uint8Array.of(0))), WireError, "bytes behind it");
  const permitted = (...trees: readonly Uint8Array[]): Uint8Array => sequence(context(0, ...trees));
  t.equal(readPermittedUri(permitted(sequence(uri("hub.demo")))), "hub.demo");
  t.equal(readPermittedUri(permitted(sequence(uri("hub.demo")), sequence(uri("node.demo")))), null, "a second subtree");
  t.equal(readPermittedUri(permitted(sequence(uri("hub.demo"), der(0x80, Uint8Array.of(1))))), null, "with a minimum");
  t.equal(readPermittedUri(sequence(context(0, sequence(uri("hub.demo"))), context(1, sequence(uri("x"))))), null, "with exclusions");
  t.equal(readPermittedUri(sequence(context(1, sequence(uri("hub.demo"))))), null, "exclusions alone");
  t.same(readKeyUsage(fromHex("03020204")), [5]);
  t.same(readKeyUsage(fromHex("03020106")), [5, 6], "with cRLSign");
  t.same(readKeyUsage(fromHex("0303078000")), [0], "a second byte");
  for (const bad of ["0300", "030108", "03050000000000", "030101"]) t.throws(() => readKeyUsage(fromHex(bad)), WireError, bad);
  t.throws(() => readBasicConstraints(sequence(boolean(true), unsignedInteger(fromHex("0100")))), WireError, "a path of 256");
  t.throws(() => readBasicConstraints(sequence(boolean(true), smallInteger(0), smallInteger(0))), WireError, "something behind it");
  for (const bad of ["30020600", "3003060180", "300406028001"]) t.throws(() => readExtKeyUsage(fromHex(bad)), WireError, bad);
  t.same(readExtKeyUsage(sequence(objectId("2.999.3"), objectId("1.3.6.1.5.5.7.3.1"))), ["2.999.3", "1.3.6.1.5.5.7.3.1"]);
  t.equal(toHex(objectId("2.999.3")), "0603883703");
});
