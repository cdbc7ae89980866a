import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { KeyUsageFlags } from "@peculiar/asn1-x509";
import t from "tap";
import { readEkCertificate } from "../../agent/tpm/ek-certificate.ts";
import { certificate, type CertificateOptions, constraints, ekCertificate as ekCertificateBy, extendedUsage, keyUsage, makeCa, spkiOf, tpmName, unknownExtension } from "../../test/fakes/ek-pki.ts";
import { challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, releaseOf, userspaceLogOf, WORDS } from "../../test/fakes/evidence-case.ts";
import { bootMachine } from "../../test/swtpm/boot-machine.ts";
import { runTool } from "../../test/swtpm/run-tool.ts";
import { startSwtpm } from "../../test/swtpm/start-swtpm.ts";
import { makeEk } from "../../test/swtpm/test-keys.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { concatBytes, sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { publicKeyObject } from "../../proto/tpm/public.ts";
import type { AttestCode } from "./codes.ts";
import { type EkTrust, type UnverifiedEkCertificate, verifyEkCertificate } from "./ek-certificate.ts";
import { judge } from "./judge.ts";

const run = promisify(execFile);
const now = new Date("2026-11-24");
const root = makeCa("root");
const issuing = makeCa("issuing", root);
const trust: EkTrust = { roots: [root.der], intermediates: [], quirks: [], revoked: [] };
const rsa = makeEk("rsa");
const ecc = makeEk("P-256");
const usage = { rsa: KeyUsageFlags.keyEncipherment, ecc: KeyUsageFlags.keyAgreement };
const spki = (ek: typeof rsa): Uint8Array => new Uint8Array(publicKeyObject(ek.key).export({ type: "spki", format: "der" }));

/** A certificate as the issuing authority makes it, with parts changed. */
const ekCertificate = (ek: typeof rsa, change: Partial<CertificateOptions> = {}): Uint8Array => ekCertificateBy(ek.key, issuing, change);

const shown = (change: Partial<UnverifiedEkCertificate> = {}): UnverifiedEkCertificate => ({
  ...{ ekPublic: ecc.publicArea, certificate: ekCertificate(ecc), intermediates: [issuing.der] },
  ...change,
});

function codeOf(s: UnverifiedEkCertificate, changed: Partial<EkTrust> = {}): string {
  const verdict = verifyEkCertificate(s, { ...trust, ...changed }, now);
  return verdict.ok ? "ok" : verdict.code;
}

t.test("P9 a certificate that leads to a configured root", async (t) => {
  const verdict = verifyEkCertificate(shown(), trust, now);
  t.match(verdict, { ok: true, certificate: { manufacturer: "id:00001014", model: "swtpm", version: "id:20191023", root: toHex(sha256(root.der)), notAfter: new Date("2034-01-01"), quirks: [] } });
  t.equal(codeOf(shown({ ekPublic: rsa.publicArea, certificate: ekCertificate(rsa) })), "ok", "RSA");
  t.equal(codeOf(shown({ intermediates: [] }), { intermediates: [issuing.der] }), "ok", "the intermediate from a directory");
  const deep = makeCa("deep", issuing);
  const bottom = ekCertificate(ecc, { issuer: deep });
  t.equal(codeOf(shown({ certificate: bottom, intermediates: [concatBytes(deep.der, issuing.der.subarray(0, 100)), issuing.der.subarray(100)] })), "ok", "a chain in pieces, as NV indexes hold it");
  t.equal(codeOf(shown({ certificate: bottom, intermediates: [issuing.der, makeCa("foreign").der, deep.der] })), "ok", "in any order, with others between");
  t.equal(codeOf(shown({ certificate: ekCertificate(ecc, { issuer: root }), intermediates: [] })), "ok", "issued by the root itself");
});

t.test("P9 near misses", async (t) => {
  const self = ekCertificate(ecc, { subject: "self", issuer: { name: "self", key: ecc.privateKey } });
  const having = (...extensions: CertificateOptions["extensions"]): Partial<UnverifiedEkCertificate> => ({ certificate: ekCertificate(ecc, { extensions }) });
  const [leaf, basic, use, eku, name] = [ekCertificate(ecc), constraints(false), keyUsage(usage.ecc), extendedUsage(), tpmName()];
  const leafAsCa = makeCa("leaf-as-ca", issuing, { extensions: [basic, use, eku, name] });
  const noSign = makeCa("no-sign", root, { extensions: [constraints(true), keyUsage(KeyUsageFlags.cRLSign)] });
  const expired = makeCa("expired", root, { notAfter: new Date("2025-01-01") });
  const short = makeCa("short", root, { extensions: [constraints(true, 0), keyUsage(KeyUsageFlags.keyCertSign)] });
  const below = makeCa("below", short);
  const impostor = { ...makeCa("issuing"), name: "issuing" };
  const critical = makeCa("critical", root, { extensions: [constraints(true), keyUsage(KeyUsageFlags.keyCertSign), unknownExtension(true)] });
  const by = (ca: typeof issuing, ...also: readonly Uint8Array[]): Partial<UnverifiedEkCertificate> => ({ certificate: ekCertificate(ecc, { issuer: ca }), intermediates: [ca.der, ...also] });
  const cases: readonly (readonly [string, AttestCode, Partial<UnverifiedEkCertificate>, Partial<EkTrust>?])[] = [
    ["self-signed", "EK_CERTIFICATE_UNTRUSTED", { certificate: self, intermediates: [] }],
    ["self-signed and sent along as its own issuer", "EK_CERTIFICATE_UNTRUSTED", { certificate: self, intermediates: [self] }],
    ["self-signed, and by mistake configured as a root", "EK_CERTIFICATE_UNTRUSTED", { certificate: self, intermediates: [] }, { roots: [self] }],
    ["a root of the sender's", "EK_CERTIFICATE_UNTRUSTED", by(makeCa("stranger"))],
    ["no intermediate", "EK_CERTIFICATE_UNTRUSTED", { intermediates: [] }],
    ["no roots", "EK_CERTIFICATE_UNTRUSTED", {}, { roots: [] }],
    ["an impostor of the intermediate's name", "EK_CERTIFICATE_UNTRUSTED", by(impostor)],
    ["a bit of the signature", "EK_CERTIFICATE_UNTRUSTED", { certificate: leaf.with(-1, (leaf.at(-1) ?? 0) ^ 1) }],
    ["a leaf used as an authority", "EK_CERTIFICATE_UNFIT", by(leafAsCa, issuing.der)],
    ["an intermediate that may not sign certificates", "EK_CERTIFICATE_UNFIT", by(noSign)],
    ["a path longer than an issuer allows", "EK_CERTIFICATE_UNFIT", by(below, short.der)],
    ["an intermediate with a critical extension nobody knows", "EK_CERTIFICATE_UNFIT", by(critical)],
    ["an authority's certificate as the leaf", "EK_CERTIFICATE_UNFIT", having(constraints(true), use, eku, name)],
    ["no usage", "EK_CERTIFICATE_UNFIT", having(basic, use, name)],
    ["a server's usage", "EK_CERTIFICATE_UNFIT", having(basic, use, extendedUsage("1.3.6.1.5.5.7.3.1"), name)],
    ["a platform certificate's usage", "EK_CERTIFICATE_UNFIT", having(basic, use, extendedUsage("2.23.133.8.2"), name)],
    ["the key usage of a signer", "EK_CERTIFICATE_UNFIT", having(basic, keyUsage(KeyUsageFlags.digitalSignature), eku, name)],
    ["no name of a TPM", "EK_CERTIFICATE_UNFIT", having(basic, use, eku)],
    ["a name without a maker", "EK_CERTIFICATE_UNFIT", having(basic, use, eku, tpmName(true, null))],
    ["a critical extension nobody knows", "EK_CERTIFICATE_UNFIT", having(basic, use, eku, name, unknownExtension(true))],
    ["an extension twice", "EK_CERTIFICATE_UNFIT", having(basic, use, eku, name, name)],
    ["another TPM's EK", "EK_CERTIFICATE_KEY_WRONG", { ekPublic: makeEk("P-256").publicArea }],
    ["another kind of EK", "EK_CERTIFICATE_KEY_WRONG", { ekPublic: rsa.publicArea, certificate: ekCertificate(ecc, { extensions: [basic, keyUsage(usage.rsa), eku, name] }) }],
    ["expired", "EK_CERTIFICATE_EXPIRED", { certificate: ekCertificate(ecc, { notAfter: new Date("2025-01-01") }) }],
    ["not valid yet", "EK_CERTIFICATE_EXPIRED", { certificate: ekCertificate(ecc, { notBefore: new Date("2027-01-01") }) }],
    ["not valid yet, with the quirk for expired ones", "EK_CERTIFICATE_EXPIRED", { certificate: ekCertificate(ecc, { notBefore: new Date("2027-01-01") }) }, { quirks: ["expired-leaf"] }],
    ["an expired intermediate", "EK_CERTIFICATE_EXPIRED", by(expired)],
    ["an expired intermediate, with the quirk for leaves", "EK_CERTIFICATE_EXPIRED", by(expired), { quirks: ["expired-leaf"] }],
    ["withdrawn", "EK_CERTIFICATE_REVOKED", {}, { revoked: [toHex(sha256(issuing.der))] }],
    ["the leaf withdrawn", "EK_CERTIFICATE_REVOKED", { certificate: leaf }, { revoked: [toHex(sha256(leaf))] }],
    ["the root withdrawn", "EK_CERTIFICATE_REVOKED", {}, { revoked: [toHex(sha256(root.der))] }],
    ["nothing", "EK_CERTIFICATE_MALFORMED", { certificate: new Uint8Array(0) }],
    ["noise", "EK_CERTIFICATE_MALFORMED", { certificate: sha256() }],
    ["cut short", "EK_CERTIFICATE_MALFORMED", { certificate: leaf.subarray(0, -1) }],
    ["a byte behind it", "EK_CERTIFICATE_MALFORMED", { certificate: concatBytes(leaf, Uint8Array.of(1)) }],
    ["a second one behind it", "EK_CERTIFICATE_MALFORMED", { certificate: concatBytes(leaf, leaf) }],
    ["9 KiB", "EK_CERTIFICATE_MALFORMED", { certificate: new Uint8Array(9 * 1024) }],
    ["an AK for an EK", "EK_UNFIT", { ekPublic: makeEk("P-256", { attributes: { ...ecc.key.attributes, restricted: false } }).publicArea }],
  ];
  for (const [label, code, change, changed] of cases) t.equal(codeOf(shown(change), changed), code, label);
});

t.test("P9 sixteen issuers who all vouch for each other cost little", async (t) => {
  const ring = makeCa("ring", { ...makeCa("ring"), name: "ring" });
  const clones = Array.from({ length: 16 }, (_, i) => certificate({ subject: "ring", spki: spkiOf(ring.key), issuer: ring, extensions: [constraints(true, 8 + i), keyUsage(KeyUsageFlags.keyCertSign)] }));
  const asked = shown({ certificate: ekCertificate(ecc, { issuer: ring }), intermediates: clones });
  t.match(verifyEkCertificate(asked, trust, now), { code: "EK_CERTIFICATE_UNTRUSTED", message: /leads nowhere within 64 signatures/ });
});

t.test("P9 what makers do against the standard passes by its name alone", async (t) => {
  const leaf = ekCertificate(ecc);
  const length = leaf.length + 2;
  const stored = concatBytes(Uint8Array.of(0x10, 0x01, 0x00, length >> 8, length & 0xff, 0x10, 0x02), leaf);
  // rsaEncryption's last two bytes say which of PKCS #1's algorithms; OAEP is 7.
  const plain = spki(rsa);
  const oid = Buffer.from(plain).indexOf(Buffer.from("2a864886f70d010101", "hex"));
  const oaep = ekCertificate(rsa, { spki: plain.with(oid + 8, 7) });
  const cases: readonly (readonly [EkTrust["quirks"][number], Partial<UnverifiedEkCertificate>, AttestCode])[] = [
    ["nv-padding", { certificate: concatBytes(leaf, new Uint8Array(300).fill(0xff)) }, "EK_CERTIFICATE_MALFORMED"],
    ["nv-padding", { certificate: concatBytes(leaf, new Uint8Array(300)) }, "EK_CERTIFICATE_MALFORMED"],
    ["stored-header", { certificate: stored }, "EK_CERTIFICATE_MALFORMED"],
    ["oaep-key", { certificate: oaep, ekPublic: rsa.publicArea }, "EK_CERTIFICATE_MALFORMED"],
    ["expired-leaf", { certificate: ekCertificate(ecc, { notAfter: new Date("2025-01-01") }) }, "EK_CERTIFICATE_EXPIRED"],
  ];
  for (const [quirk, change, code] of cases) {
    t.equal(codeOf(shown(change)), code, `${quirk}: not without it`);
    const verdict = verifyEkCertificate(shown(change), { ...trust, quirks: [quirk] }, now);
    t.match(verdict, { ok: true, certificate: { quirks: [quirk] } }, `${quirk}: with it, and recorded`);
  }
  t.equal(codeOf(shown({ certificate: stored.with(6, 3) }), { quirks: ["stored-header"] }), "EK_CERTIFICATE_MALFORMED", "a damaged wrapper");
  t.equal(codeOf(shown({ certificate: oaep, ekPublic: makeEk("rsa").publicArea }), { quirks: ["oaep-key"] }), "EK_CERTIFICATE_KEY_WRONG", "another OAEP key");
  t.equal(codeOf(shown({ certificate: concatBytes(leaf, new Uint8Array(3), Uint8Array.of(1)) }), { quirks: ["nv-padding"] }), "EK_CERTIFICATE_MALFORMED", "padding that is none");
});

t.test("P9 swtpm's own certificate, from its NV", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "kubedos-ek-"));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const ca = ["statedir", "signingkey", "issuercert", "certserial"].map((k, i) => `${k} = ${join(dir, ["", "signkey.pem", "issuercert.pem", "certserial"][i] ?? "")}`);
  await writeFile(join(dir, "localca.conf"), `${ca.join("\n")}\n`);
  await writeFile(join(dir, "localca.options"), "--platform-manufacturer kubedos\n--platform-version 1\n--platform-model test\n");
  await writeFile(join(dir, "setup.conf"), `create_certs_tool = swtpm_localca\ncreate_certs_tool_config = ${join(dir, "localca.conf")}\ncreate_certs_tool_options = ${join(dir, "localca.options")}\nactive_pcr_banks = sha256\n`);
  const state = await mkdtemp(join(dir, "state-"));
  await run("swtpm_setup", ["--tpm2", "--tpmstate", state, "--create-ek-cert", "--config", join(dir, "setup.conf")], { env: { ...process.env, LC_ALL: "C" }, timeout: 60_000 });
  const swtpm = await startSwtpm({ stateDir: state });
  t.teardown(() => swtpm.stop());
  const client = new TpmClient(swtpm.transport);
  await client.startup();
  const ek = await client.createEk("rsa");
  const nv = await readEkCertificate(client, "rsa");
  t.ok(nv.certificate.length > 500, "the agent found it");
  const pem = async (name: string): Promise<Uint8Array> => new Uint8Array(new X509Certificate(await readFile(join(dir, name))).raw);
  const own: EkTrust = { roots: [await pem("swtpm-localca-rootca-cert.pem")], intermediates: [await pem("issuercert.pem")], quirks: [], revoked: [] };
  const question = { ekPublic: ek.publicArea, certificate: nv.certificate, intermediates: nv.chain };
  const verdict = verifyEkCertificate(question, own, new Date());
  t.match(verdict, { ok: true, certificate: { manufacturer: /^id:/, quirks: [] } }, verdict.ok ? "" : verdict.message);
  t.match(verifyEkCertificate(question, { ...own, roots: [root.der] }, new Date()), { ok: false, code: "EK_CERTIFICATE_UNTRUSTED" }, "not under another root");
  const eccEk = await client.createEk("ecc");
  t.match(verifyEkCertificate({ ...question, ekPublic: eccEk.publicArea }, own, new Date()), { ok: false }, "nor for the TPM's other EK");
});

t.test("P9 a certificate and its chain for a P-256 EK, written to NV and read back", async (t) => {
  const m = await bootMachine({ firmwareLog, userspaceLog: userspaceLogOf(WORDS) });
  const dir = await mkdtemp(join(tmpdir(), "kubedos-nv-"));
  t.teardown(async () => {
    await m.stop();
    await rm(dir, { recursive: true, force: true });
  });
  t.same(await readEkCertificate(m.client, "ecc"), { certificate: new Uint8Array(0), chain: [] }, "a TPM without one");
  const key = publicKeyObject((await import("../../proto/tpm/public.ts")).parsePublic(m.ek.publicArea));
  const leaf = certificate({ subject: "", spki: new Uint8Array(key.export({ type: "spki", format: "der" })), issuer: issuing, extensions: [constraints(false), keyUsage(usage.ecc), extendedUsage(), tpmName()] });
  const contents: readonly (readonly [string, Uint8Array])[] = [["0x01c0000a", leaf], ["0x01c00100", issuing.der.subarray(0, 200)], ["0x01c00101", issuing.der.subarray(200)]];
  for (const [index, data] of contents) {
    const file = join(dir, index);
    await writeFile(file, data);
    await runTool(m.swtpm.tcti, "tpm2_nvdefine", index, "-C", "o", "-s", String(data.length), "-a", "ownerwrite|ownerread|authread");
    await runTool(m.swtpm.tcti, "tpm2_nvwrite", index, "-C", "o", "-i", file);
  }
  const nv = await readEkCertificate(m.client, "ecc");
  t.same(nv, { certificate: leaf, chain: [issuing.der.subarray(0, 200), issuing.der.subarray(200)] });
  const verdict = verifyEkCertificate({ ekPublic: m.ek.publicArea, certificate: nv.certificate, intermediates: nv.chain }, trust, now);
  if (!verdict.ok) return t.fail(`${verdict.code}: ${verdict.message}`);
  const tls = newSpki();
  const asked = newChallenge();
  const evidence = await m.answer({ challenge: asked, claims: claimsOf(tls), firmwareLog, userspaceLog: userspaceLogOf(WORDS) });
  const known = { ...knownOf(tls, [releaseOf(firmwareLog)]), pinnedRole: null, ekCertificate: verdict };
  const passed = judge(evidence, challengeFor(asked, evidence), known);
  t.equal(passed.ok && passed.facts.anchor, "certificate", "the verdict names the anchor");
  const pinned = judge(evidence, challengeFor(asked, evidence), { ...known, pinnedRole: "worker" });
  t.equal(pinned.ok && pinned.facts.anchor, "pinned", "a pin outranks it");
  const foreign = verifyEkCertificate(shown(), trust, now);
  if (!foreign.ok) return t.fail(foreign.message);
  t.match(judge(evidence, challengeFor(asked, evidence), { ...known, ekCertificate: foreign }), { ok: false, code: "EK_CERTIFICATE_KEY_WRONG" }, "another EK's certificate");
  const wrong = verifyEkCertificate({ ...shown(), ekPublic: m.ek.publicArea }, trust, now);
  t.match(judge(evidence, challengeFor(asked, evidence), { ...known, pinnedRole: "worker", ekCertificate: wrong }), { ok: false, code: "EK_CERTIFICATE_KEY_WRONG" }, "one that was shown, also by a pinned machine");
  const untrusted = verifyEkCertificate({ ekPublic: m.ek.publicArea, certificate: nv.certificate, intermediates: [] }, trust, now);
  t.match(untrusted, { ok: false, code: "EK_CERTIFICATE_UNTRUSTED" });
  const unanchored = judge(evidence, challengeFor(asked, evidence), { ...known, ekCertificate: untrusted });
  t.equal(unanchored.ok && unanchored.facts.anchor, "none", "one that leads nowhere is no anchor, and no refusal either");
});
