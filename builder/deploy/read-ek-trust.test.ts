import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyUsageFlags } from "@peculiar/asn1-x509";
import t from "tap";
import { certificate, constraints, keyUsage, makeCa, spkiOf, type TestCa } from "../../test/fakes/ek-pki.ts";
import { certificatesToPem } from "../../proto/pki/pem.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { readEkTrust } from "./read-ek-trust.ts";

const work = await mkdtemp(join(tmpdir(), "kubedos-roots-"));
t.teardown(() => rm(work, { recursive: true }));
const file = join(work, "spec.yaml");
const now = new Date("2026-11-24");
const spec = (trust: string) =>
  parseClusterSpec(
    `apiVersion: kubedos/v1\nkind: ClusterSpec\nmetadata: { name: demo }\ntopology: { roles: [master], nodes: [{ name: m, role: master, index: 1, vm: { memory: 1GiB, cpus: 1 } }] }\nnetwork: { lan: 192.168.7.0/24 }\ntrust: ${trust}\n`,
    file,
  );
const root = makeCa("root");
const issuing = makeCa("issuing", root);
const below = makeCa("below", issuing);

let folders = 0;
/** Reads a folder with these files. */
async function read(files: Readonly<Record<string, string | Uint8Array>>, more = "") {
  const name = `roots-${folders++}`;
  await mkdir(join(work, name));
  for (const [path, data] of Object.entries(files)) await writeFile(join(work, name, path), data);
  return await readEkTrust(spec(`{ ekRoots: ${name}${more} }`), file, now);
}

t.test("roots and intermediates, PEM and DER, one or several a file", async (t) => {
  t.equal(await readEkTrust(spec("{ approvals: 1 }"), file, now), null, "none are named");
  const expected = { roots: [toBase64(root.der)], intermediates: [toBase64(issuing.der), toBase64(below.der)].sort(), quirks: [], revoked: [] };
  t.same(await read({ "root.der": root.der, "a.crt": certificatesToPem(issuing.der), "b.PEM": certificatesToPem(below.der) }), expected);
  const bundle = `Subject: CN=root\r\n${certificatesToPem(root.der, issuing.der).replaceAll("\n", "\r\n")}\r\n# and below\r\n${certificatesToPem(below.der)}`;
  t.same(await read({ "bundle.cer": bundle, "README.md": "whence they come", ".gitkeep": "" }), expected, "a maker's bundle, with words between");
  t.same(await read({ "x.der": below.der, "y.der": issuing.der, "z.der": root.der, "zz.pem": certificatesToPem(root.der) }), expected, "names and repetitions change nothing");
  const fingerprint = "ab".repeat(32);
  t.match(await read({ "root.der": root.der }, `, ekQuirks: [oaep-key, nv-padding], ekRevoked: ["${fingerprint}"]`), { quirks: ["nv-padding", "oaep-key"], revoked: [fingerprint] });
});

t.test("what can't anchor anybody is refused, with its file and why", async (t) => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const leaf = certificate({ subject: "leaf", spki: spkiOf(key), issuer: root, extensions: [constraints(false), keyUsage(KeyUsageFlags.keyAgreement)] });
  const ends = (notBefore: string, notAfter: string): TestCa => makeCa("dated", null, { notBefore: new Date(notBefore), notAfter: new Date(notAfter) });
  const good = { "root.der": root.der };
  const cases: readonly (readonly [string, RegExp, Parameters<typeof read>[0]])[] = [
    ["no CA", /leaf\.der: .*no certificate authority/, { ...good, "leaf.der": leaf }],
    ["a CA that may not sign certificates", /x\.der: .*may not sign/, { "x.der": makeCa("x", null, { extensions: [constraints(true), keyUsage(KeyUsageFlags.cRLSign)] }).der }],
    ["an expired root", /dated\.der: It is valid from .* to Jan  1/, { "dated.der": ends("2020-01-01", "2025-01-01").der }],
    ["a root of the future", /dated\.der: It is valid from Jan  1/, { "dated.der": ends("2030-01-01", "2040-01-01").der }],
    ["an expired intermediate", /i\.der: It is valid/, { ...good, "i.der": makeCa("i", root, { notAfter: new Date("2025-01-01") }).der }],
    ["an intermediate that leads nowhere", /i\.der: "CN=i" leads to none of the roots/, { ...good, "i.der": makeCa("i", makeCa("elsewhere")).der }],
    ["no root", /it holds no root/, { "i.der": issuing.der }],
    ["an empty folder", /it holds no root/, {}],
    ["cut short", /root\.der: .*can't be read/, { "root.der": root.der.subarray(0, -1) }],
    ["noise", /n\.pem: it holds neither PEM nor DER/, { ...good, "n.pem": "just words" }],
    ["damaged base64", /n\.pem: its base64 is damaged/, { "n.pem": "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n" }],
    ["a private key", /k\.pem: it holds a PRIVATE KEY/, { ...good, "k.pem": rsa }],
    ["another ending", /root\.txt: certificates end in/, { "root.txt": certificatesToPem(root.der) }],
    ["too large a file", /large\.pem: it has \d+ bytes/, { "large.pem": certificatesToPem(root.der).repeat(1000) }],
    ["too many roots", /holds 65 roots/, Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`${i}.der`, makeCa(`r${i}`).der]))],
  ];
  for (const [what, message, files] of cases) await t.rejects(read(files), { code: "BAD_EK_ROOTS", message }, what);
  await t.rejects(readEkTrust(spec("{ ekRoots: nowhere }"), file, now), { code: "BAD_EK_ROOTS", message: /nowhere: the folder that trust\.ekRoots names/ });
  await mkdir(join(work, "linked"));
  await symlink("/dev/zero", join(work, "linked", "root.der"));
  await t.rejects(readEkTrust(spec("{ ekRoots: linked }"), file, now), { code: "BAD_EK_ROOTS", message: /root\.der: it is no plain file/ });
});
