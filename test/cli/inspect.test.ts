import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { encodeEnvelope, signEnvelope } from "../../proto/dsse/dsse.ts";
import { type Release, RELEASE_TYPE } from "../../proto/release/release.ts";
import { PINS_TYPE, type Pins } from "../../proto/release/pins.ts";
import { nameOf, parsePublic } from "../../proto/tpm/public.ts";
import { fromBase64, toBase64 } from "../../proto/wire/base64.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { claimsOf, CLUSTER, firmwareLog, newChallenge, newSpki, releaseOf, ROLE, userspaceLogOf, WORDS } from "../fakes/evidence-case.ts";
import { ekCertificate, makeCa } from "../fakes/ek-pki.ts";
import { softMachine } from "../fakes/soft-machine.ts";
import { vectorsDir } from "../vectors.ts";
import { run, startBench } from "./harness.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-inspect-"));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const keyFile = file("release.pub", publicKey.export({ type: "spki", format: "pem" }));

function file(name: string, data: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, data);
  return path;
}

function signed(name: string, release: Release, by: KeyObject = privateKey, own: KeyObject = publicKey): string {
  return file(name, encodeEnvelope(signEnvelope(RELEASE_TYPE, canonicalJson(release), by, own)));
}

function recorded(name: string, change: (f: Record<string, unknown>) => void = () => undefined): string {
  const challenge = newChallenge();
  const tls = newSpki();
  const evidence = softMachine()({ challenge, claims: claimsOf(tls), firmwareLog, userspaceLog: userspaceLogOf(WORDS) });
  const parts = Object.fromEntries(Object.entries(evidence).map(([k, v]) => [k, toBase64(v as Uint8Array)]));
  const content: Record<string, unknown> = {
    ...parts,
    challenge: { nonce: toBase64(challenge.nonce), secret: toBase64(challenge.secret), verifier: toBase64(challenge.verifier) },
    peerKey: toBase64(tls),
    cluster: CLUSTER,
    pinnedRole: ROLE,
  };
  change(content);
  return file(name, JSON.stringify(content));
}

const release = signed("release.json", releaseOf(firmwareLog));

t.test("inspect evidence: the hub's verdict, offline", async (t) => {
  const good = await run(["inspect", "evidence", recorded("good.json"), "--release", release, "--release-key", keyFile, "-o", "json"]);
  t.equal(good.code, 0, good.stderr);
  t.match(JSON.parse(good.stdout), { kind: "Verdict", ok: true, releaseVerified: true, anchor: "pinned", role: ROLE, phase: "kubedos-agent", ekName: /^000b[0-9a-f]{64}$/ });
  const text = await run(["inspect", "evidence", recorded("text.json"), "--release", release, "--release-key", keyFile]);
  t.match(text.stdout, /^accepted: this TPM booted exactly the release's image\n/);
  const unpinned = await run(["inspect", "evidence", recorded("free.json", (f) => (f["pinnedRole"] = null)), "--release", release, "--release-key", keyFile]);
  t.equal(unpinned.code, 0);
  t.match(unpinned.stdout, /UNANCHORED: nobody vouches for this TPM/);
});

t.test("inspect evidence: refused with 8 and the verdict's code", async (t) => {
  const cases: readonly (readonly [string, (f: Record<string, unknown>) => void, string])[] = [
    ["peer", (f) => (f["peerKey"] = toBase64(newSpki())), "TLS_KEY_WRONG"],
    ["cluster", (f) => (f["cluster"] = "other"), "CLUSTER_WRONG"],
    ["secret", (f) => (f["secret"] = toBase64(new Uint8Array(32))), "SECRET_WRONG"],
    ["words", (f) => (f["userspaceLog"] = ""), "BINDING_WRONG"],
    ["role", (f) => (f["pinnedRole"] = "storage"), "ROLE_MISMATCH"],
  ];
  for (const [name, change, code] of cases) {
    const ran = await run(["inspect", "evidence", recorded(`${name}.json`, change), "--release", release, "--release-key", keyFile, "-o", "json"]);
    t.equal(ran.code, 8, `${name}: ${ran.stderr}`);
    t.match(JSON.parse(ran.stdout), { kind: "Verdict", ok: false, code });
    t.match(JSON.parse(ran.stderr), { code: "REFUSED", next: `kubedos-hub explain ${code}` });
  }
});

t.test("inspect evidence: a release counts only with its signature", async (t) => {
  const other = generateKeyPairSync("ed25519");
  const evidence = recorded("sig.json");
  const foreign = signed("foreign.json", releaseOf(firmwareLog), other.privateKey, other.publicKey);
  const unsignedRisk = "--accept-risk=unsigned-release";
  const otherType = file("pins.json", encodeEnvelope(signEnvelope("application/vnd.kubedos.pins+json", canonicalJson(releaseOf(firmwareLog)), privateKey, publicKey)));
  const cases: readonly (readonly [string, readonly string[], number])[] = [
    ["no key", ["--release", release], 2],
    ["no release", ["--release-key", keyFile], 2],
    ["another key's signature", ["--release", foreign, "--release-key", keyFile], 1],
    ["another statement's type", ["--release", otherType, unsignedRisk], 1],
    ["no envelope", ["--release", file("plain.json", canonicalJson(releaseOf(firmwareLog))), "--release-key", keyFile], 1],
    ["no file", ["--release", join(dir, "none"), "--release-key", keyFile], 1],
    ["the risk named", ["--release", foreign, unsignedRisk], 0],
  ];
  for (const [name, argv, code] of cases) t.equal((await run(["inspect", "evidence", evidence, ...argv])).code, code, name);
  const warned = await run(["inspect", "evidence", evidence, "--release", foreign, unsignedRisk, "-o", "json"]);
  t.equal(JSON.parse(warned.stdout).releaseVerified, false);
  t.match(warned.stderr, /WARNING: the release's signature is not checked/);
});

t.test("inspect evidence: a machine that its TPM's certificate anchors, by the roots of the pin file", async (t) => {
  const [root, other] = [makeCa("maker"), makeCa("other")];
  const evidence = recorded("certified.json", (f) => {
    f["pinnedRole"] = null;
    f["ekCertificate"] = toBase64(ekCertificate(parsePublic(fromBase64(String(f["ekPublic"]))), root));
  });
  const { ekPublic } = JSON.parse(readFileSync(evidence, "utf8"));
  const ekName = toHex(nameOf(fromBase64(ekPublic)));
  const pinsOf = (name: string, change: Partial<Pins>, by: KeyObject = privateKey, own: KeyObject = publicKey) => {
    const pins: Pins = { kind: "kubedos/pins", version: 1, cluster: CLUSTER, serial: 1, slots: [], ...change };
    return file(name, encodeEnvelope(signEnvelope(PINS_TYPE, canonicalJson(pins), by, own)));
  };
  const believing = (ca: typeof root): Partial<Pins> => ({ ekTrust: { roots: [toBase64(ca.der)], intermediates: [], quirks: [], revoked: [] } });
  const inspect = (...argv: readonly string[]) => run(["inspect", "evidence", evidence, "--release", release, "--release-key", keyFile, ...argv]);
  const anchorBy = async (...argv: readonly string[]) => JSON.parse((await inspect(...argv, "-o", "json")).stdout);
  t.match(await anchorBy("--pins", pinsOf("maker.pins", believing(root))), { ok: true, anchor: "certificate", ekCertificate: "GOOD", ekCertificateText: /^TPM swtpm/ });
  t.match(await anchorBy("--pins", pinsOf("other.pins", believing(other))), { ok: true, anchor: "none", ekCertificate: "EK_CERTIFICATE_UNTRUSTED" });
  t.match(await anchorBy(), { ok: true, anchor: "none", ekCertificate: "EK_CERTIFICATE_UNTRUSTED" }, "without a pin file no maker is believed");
  const slots = [{ name: "w-1", role: ROLE, index: 2, ekName }];
  t.match(await anchorBy("--pins", pinsOf("stamped.pins", { slots })), { ok: true, anchor: "pinned" }, "the pin file's slot outranks it");
  t.match(await anchorBy("--pins", pinsOf("storage.pins", { slots: slots.map((s) => ({ ...s, role: "storage" })) })), { ok: false, code: "ROLE_MISMATCH", findings: [{ field: "slot.role" }] });
  t.match((await inspect("--pins", pinsOf("text.pins", believing(root)))).stdout, /anchor +certificate: its TPM's maker vouches for it\n +EK cert +good: TPM swtpm/);
  const foreign = generateKeyPairSync("ed25519");
  for (const [name, path] of [["another key's", pinsOf("foreign.pins", believing(root), foreign.privateKey, foreign.publicKey)], ["another cluster's", pinsOf("cluster.pins", { cluster: "other" })], ["a release", release]] as const) {
    t.match(await inspect("--pins", path), { code: 1, stderr: /\(FILE_INVALID\)/ }, name);
  }
});

t.test("inspect evidence: files that aren't evidence", async (t) => {
  const unknownKey = recorded("extra.json", (f) => (f["extra"] = 1));
  const missing = recorded("missing.json", (f) => delete f["quote"]);
  const notBase64 = recorded("b64.json", (f) => (f["quote"] = "****"));
  const huge = recorded("huge.json", (f) => (f["quote"] = "A".repeat(4096)));
  for (const path of [unknownKey, missing, notBase64, huge, file("cut.json", "{"), file("empty.json", "")]) {
    const ran = await run(["inspect", "evidence", path, "--release", release, "--release-key", keyFile]);
    t.equal(ran.code, 1, path);
    t.match(ran.stderr, /is not recorded evidence .*\(FILE_INVALID\)/);
  }
});

t.test("node evidence prints the file that inspect evidence takes", async (t) => {
  const bench = await startBench();
  t.teardown(() => bench.close());
  const source = JSON.parse(readFileSync(recorded("source.json", (f) => Object.assign(f, { ekCertificate: "MIIB", ekIntermediates: ["MIIC"] })), "utf8"));
  const b = (text: string) => Buffer.from(text, "base64");
  bench.hub.state.evidence["bb00112233445566"] = {
    cluster: source.cluster,
    ekPublic: b(source.ekPublic),
    akPublic: b(source.akPublic),
    secret: b(source.secret),
    quote: b(source.quote),
    signature: b(source.signature),
    claims: b(source.claims),
    firmwareLog: b(source.firmwareLog),
    userspaceLog: b(source.userspaceLog),
    nonce: b(source.challenge.nonce),
    expectedSecret: b(source.challenge.secret),
    verifier: b(source.challenge.verifier),
    peerKey: b(source.peerKey),
    pinnedRole: source.pinnedRole,
    ekCertificate: b(source.ekCertificate),
    ekIntermediates: [b(source.ekIntermediates[0])],
  };
  const printed = await bench.run(["node", "evidence", "w-1"]);
  t.equal(printed.code, 0, printed.stderr);
  t.same(JSON.parse(printed.stdout), source);
  t.equal((await run(["inspect", "evidence", file("printed.json", printed.stdout), "--release", release, "--release-key", keyFile])).code, 0);
  t.equal((await bench.run(["node", "evidence", "w-2"])).code, 3);
});

t.test("inspect eventlog", async (t) => {
  const path = join(vectorsDir, "own-boot/b1/binary_bios_measurements");
  const json = await run(["inspect", "eventlog", path, "-o", "json"]);
  t.equal(json.code, 0, json.stderr);
  const log = JSON.parse(json.stdout);
  t.match(log, { kind: "EventLog", bank: "sha256", pcrs: { 4: /^[0-9a-f]{64}$/ } });
  t.ok(log.events.length > 10);
  const text = await run(["inspect", "eventlog", path]);
  t.match(text.stdout, /^PCR {2}TYPE +DIGEST +WHAT\n/);
  t.ok(text.stdout.includes(`PCR  4  ${log.pcrs["4"]}`));
  t.ok(Math.max(...text.stdout.split("\n").map((l) => l.length)) <= 100);
  t.equal((await run(["inspect", "eventlog", path, "--bank", "md5"])).code, 1, "no such bank");
  t.equal((await run(["inspect", "eventlog", file("cut.log", readFileSync(path).subarray(0, 500))])).code, 1, "cut");
  t.equal((await run(["inspect", "eventlog", file("big.log", Buffer.alloc(300 * 1024))])).code, 1, "too large");
});

t.test("inspect quote, on a quote that another project recorded", async (t) => {
  const q = (name: string) => join(vectorsDir, "quotes", name);
  const argv = (quote: string, signature: string, pub: string) => ["inspect", "quote", "--quote", quote, "--signature", signature, "--public", pub, "-o", "json"];
  const good = await run(argv(q("keylime-quote.out"), q("keylime-quotesig.out"), q("keylime-ak.pub")));
  t.equal(good.code, 0, good.stderr);
  const seen = JSON.parse(good.stdout);
  t.match(seen, { kind: "Quote", signatureValid: true, generatedByTpm: true, isQuote: true });
  t.equal(seen.keyName, readFileSync(q("keylime-ak.name")).toString("hex"), "the key's Name is the recorded one");
  const flipped = readFileSync(q("keylime-quote.out"));
  flipped[flipped.length - 1]! ^= 1;
  const bad = await run(argv(file("flipped", flipped), q("keylime-quotesig.out"), q("keylime-ak.pub")));
  t.equal(bad.code, 8);
  t.match(JSON.parse(bad.stdout), { signatureValid: false });
  t.equal((await run(argv(q("keylime-quote.out"), q("keylime-quotesig.out"), q("keylime-ek.pub")))).code, 8, "another key");
  t.equal((await run(argv(q("keylime-quotesig.out"), q("keylime-quotesig.out"), q("keylime-ak.pub")))).code, 1, "not a quote at all");
  t.equal((await run(argv(file("cut", flipped.subarray(0, 40)), q("keylime-quotesig.out"), q("keylime-ak.pub")))).code, 1, "cut");
});
