import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { verifyIdentity, verifyOperator } from "../../proto/pki/verify.ts";
import { openEnvelope } from "../../proto/dsse/dsse.ts";
import { PINS_TYPE } from "../../proto/release/pins.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { makeFileSigner } from "../sign/signer.ts";
import { KEY_FILES, PRIVATE_FILES } from "./files.ts";
import { initKeys } from "./init-keys.ts";
import { issueOperator, OPERATOR_FILES } from "./issue-operator.ts";
import { openKeys } from "./open-keys.ts";

const root = mkdtempSync(join(tmpdir(), "kubedos-keys-"));
t.teardown(() => rmSync(root, { recursive: true }));
const dir = join(root, "keys");
const passphrase = "correct horse battery";
const now = new Date("2026-06-01T00:00:00Z");
await initKeys({ dir, cluster: "demo", passphrase, now });
const keys = await openKeys(dir, passphrase);

t.test("private keys are encrypted and for their owner alone", async (t) => {
  t.equal(statSync(dir).mode & 0o777, 0o700);
  const files = readdirSync(dir).filter((name) => name.endsWith(".key"));
  t.equal(files.length, 7);
  for (const name of files) {
    t.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
    t.match(readFileSync(join(dir, name), "utf8"), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/, name);
    t.throws(() => createPrivateKey({ key: readFileSync(join(dir, name)), passphrase: "correct horse batterz" }), name);
  }
});

t.test("certificates for firmware: RSA-2048, self-signed, for twenty years", async (t) => {
  for (const der of [keys.pk, keys.kek, keys.db]) {
    const certificate = new X509Certificate(der);
    t.ok(certificate.verify(certificate.publicKey));
    t.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
    t.ok(certificate.validToDate.getUTCFullYear() >= 2046);
  }
});

t.test("nothing is overwritten", async (t) => {
  const before = readFileSync(join(dir, KEY_FILES.manifest));
  await t.rejects(initKeys({ dir, cluster: "other", passphrase, now }), { code: "EXISTS" });
  const full = join(root, "full");
  cpSync(dir, full, { recursive: true });
  rmSync(join(full, KEY_FILES.manifest));
  await t.rejects(initKeys({ dir: full, cluster: "demo", passphrase, now }), { code: "EXISTS" }, "a folder with something in it");
  t.same(readFileSync(join(dir, KEY_FILES.manifest)), before);
  t.same(readdirSync(root).sort(), ["full", "keys"], "no half-made folder stays");
});

t.test("near misses when opening", async (t) => {
  const spoiled = async (name: string, spoil: (dir: string) => void, code: string, word = passphrase) => {
    const copy = join(root, name);
    cpSync(dir, copy, { recursive: true });
    chmodSync(copy, 0o700);
    spoil(copy);
    await t.rejects(openKeys(copy, word), { code }, name);
    rmSync(copy, { recursive: true });
  };
  await spoiled("wrong-passphrase", () => undefined, "WRONG_PASSPHRASE", "correct horse");
  await spoiled("swapped-certificate", (d) => copyFileSync(join(d, KEY_FILES.kek), join(d, KEY_FILES.db)), "DAMAGED");
  await spoiled("swapped-key", (d) => copyFileSync(join(d, PRIVATE_FILES.kek), join(d, PRIVATE_FILES.db)), "DAMAGED");
  await spoiled("open-folder", (d) => chmodSync(d, 0o755), "READABLE_BY_OTHERS");
  await spoiled("no-manifest", (d) => rmSync(join(d, KEY_FILES.manifest)), "NOT_FOUND");
  await spoiled("unknown-key-in-manifest", (d) => writeFileSync(join(d, KEY_FILES.manifest), JSON.stringify({ ...keys.manifest, extra: 1 })), "DAMAGED");
  await t.rejects(initKeys({ dir: join(root, "poor"), cluster: "demo", passphrase: "short", now }), { code: "POOR_PASSPHRASE" });
});

t.test("an operator's certificate is one, in this cluster alone", async (t) => {
  const out = join(root, "alice");
  await issueOperator({ keys, name: "alice", operatorRole: "approver", out, now });
  t.equal(statSync(join(out, OPERATOR_FILES.key)).mode & 0o777, 0o600);
  const chain = readFileSync(join(out, OPERATOR_FILES.chain), "utf8")
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((pem) => new Uint8Array(new X509Certificate(pem).raw));
  const question = { chain, root: readFileSync(join(out, OPERATOR_FILES.root), "utf8"), now };
  t.match(verifyOperator({ ...question, cluster: "demo" }), { name: "alice", operatorRole: "approver" });
  t.throws(() => verifyIdentity({ ...question, role: "hub", cluster: "demo" }));
  t.throws(() => verifyOperator({ ...question, cluster: "other" }));
  t.ok(new X509Certificate(chain[0] ?? "").checkPrivateKey(createPrivateKey(readFileSync(join(out, OPERATOR_FILES.key)))));
  await t.rejects(issueOperator({ keys, name: "alice", operatorRole: "admin", out, now }), { code: "EXISTS" });
});

t.test("the signer signs whole documents of its cluster and purpose, and nothing else", async (t) => {
  const signer = makeFileSigner(keys);
  const pins = (cluster: string) => canonicalJson({ kind: "kubedos/pins", version: 1, cluster, serial: 1, slots: [] });
  const envelope = await signer.signDocument("pins", pins("demo"));
  t.same(openEnvelope(PINS_TYPE, envelope, [keys.releaseKey]), pins("demo"));
  await t.rejects(signer.signDocument("pins", pins("other")), { code: "OTHER_CLUSTER" }, "another cluster");
  await t.rejects(signer.signDocument("release", pins("demo")), { code: "MALFORMED" }, "another purpose");
  await t.rejects(signer.signDocument("pins", new Uint8Array(32)), { code: "MALFORMED" }, "a digest");
  await t.rejects(signer.signUki(new Uint8Array(32), { role: "worker", release: "00".repeat(8) }), { code: "MALFORMED" }, "a digest as a UKI");
});
