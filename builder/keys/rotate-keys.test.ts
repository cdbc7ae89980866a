import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { encodeEnvelope, openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { verifyOperator } from "../../proto/pki/verify.ts";
import { certificatesFromPem, certificatesToPem } from "../../proto/pki/pem.ts";
import { PINS_TYPE } from "../../proto/release/pins.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { valueAfter } from "../measure/event.ts";
import { expectPcr7 } from "../measure/pcr7.ts";
import { makeFileSigner } from "../sign/signer.ts";
import { appendLog, readLog } from "../sign/signing-log.ts";
import { initKeys } from "./init-keys.ts";
import { issueOperator, OPERATOR_FILES } from "./issue-operator.ts";
import { openKeys } from "./open-keys.ts";
import { readPublicKeys } from "./read-public-keys.ts";
import { ROTATABLE, type Rotatable, rotateKeys } from "./rotate-keys.ts";

const root = mkdtempSync(join(tmpdir(), "kubedos-rotate-"));
t.teardown(() => rmSync(root, { recursive: true }));
const passphrase = "correct horse battery";
const original = join(root, "keys");
const now = new Date("2026-06-01T00:00:00Z");
await initKeys({ dir: original, cluster: "demo", passphrase, now });
const before = await openKeys(original, passphrase);

function keysFor(name: string): string {
  const dir = join(root, name);
  cpSync(original, dir, { recursive: true });
  chmodSync(dir, 0o700);
  return dir;
}

let days = 1;
const rotate = async (dir: string, what: Rotatable, acceptStranded = false, secret = passphrase) =>
  await rotateKeys({ dir, access: { secret }, what, uid: 1000, now: new Date(now.getTime() + days++ * 86_400_000), acceptStranded });
const pins = canonicalJson({ kind: "kubedos/pins", version: 1, cluster: "demo", serial: 1, slots: [] });

/** What a build leaves in the log. */
async function logRelease(dir: string): Promise<void> {
  const keys = await openKeys(dir, passphrase);
  const [key] = keys.releaseSigningKeys;
  if (key === undefined) throw new Error("no release key");
  const entry = { at: now.toISOString(), uid: 1000, purpose: "release", role: null, release: "0123456789abcdef", digest: "ab".repeat(32), refused: null };
  await appendLog(dir, entry, key, keys.releaseKeys);
}

for (const what of ["pk", "kek", "db"] as const) {
  t.test(`${what}: a new certificate, a signed update, another PCR 7, and nothing else`, async (t) => {
    const dir = keysFor(`firmware-${what}`);
    const { retired, update } = await rotate(dir, what);
    const after = await openKeys(dir, passphrase);
    for (const name of ["pk", "kek", "db"] as const) t.equal(Buffer.compare(after[name], before[name]) === 0, name !== what, name);
    t.not(valueAfter(expectPcr7(after)), valueAfter(expectPcr7(before)));
    t.same(after.root, before.root);
    t.ok(after.releaseKey.equals(before.releaseKey));
    t.same(readdirSync(retired).sort(), [`${what}.crt`, `${what}.key`, "keys.json"].sort());
    t.match(readFileSync(join(retired, `${what}.key`), "utf8"), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    t.equal(statSync(join(dir, `${what}.key`)).mode & 0o777, 0o600);
    const auth = readFileSync(update ?? "");
    t.ok(auth.subarray(-after[what].length).equals(after[what]), "the update ends with the new certificate");
    t.ok(auth.includes(Buffer.from(what === "db" ? before.kek : before.pk)), "and is signed by the key above, as machines know it");
    t.ok(new X509Certificate(after[what]).validFromDate > new X509Certificate(before[what]).validFromDate);
    t.equal((await readLog(dir, after.releaseKeys)).entries.at(-1)?.purpose, `rotate-${what}`);
  });
}

t.test("release: both keys sign, whoever knows either believes; then the old one is forgotten", async (t) => {
  const dir = keysFor("release");
  await rotate(dir, "release");
  const second = await openKeys(dir, passphrase);
  t.notOk(second.releaseKey.equals(before.releaseKey));
  t.equal(second.releaseKeys.length, 2);
  const envelope = parseEnvelope(encodeEnvelope(await makeFileSigner(second).signDocument("pins", pins)));
  t.same(openEnvelope(PINS_TYPE, envelope, before.releaseKeys), pins, "an image of before");
  t.same(openEnvelope(PINS_TYPE, envelope, [second.releaseKey]), pins, "an image of after");
  const old = await makeFileSigner(before).signDocument("pins", pins);
  t.same(openEnvelope(PINS_TYPE, old, second.releaseKeys), pins, "what was signed before");

  await t.rejects(rotate(dir, "release"), { code: "STRANDS_CLUSTER" }, "nothing was built with the new key yet");
  await logRelease(dir);
  await rotate(dir, "release");
  const third = await openKeys(dir, passphrase);
  t.equal(third.releaseKeys.length, 2);
  t.ok(third.releaseKeys[1]?.equals(second.releaseKey));
  const last = await makeFileSigner(third).signDocument("pins", pins);
  t.throws(() => openEnvelope(PINS_TYPE, last, before.releaseKeys), { code: "BAD_VALUE" }, "an image that knows only the first");
  await rotate(dir, "release", true);
  t.equal((await readLog(dir, (await readPublicKeys(dir)).releaseKeys)).entries.length, 4, "the log goes on across rotations");
});

t.test("root: refused unless the risk is named; then operators are issued anew", async (t) => {
  const dir = keysFor("root");
  await t.rejects(rotate(dir, "root"), { code: "STRANDS_CLUSTER" });
  t.same((await readPublicKeys(dir)).manifest, before.manifest, "and nothing changed");
  await rotate(dir, "root", true);
  const keys = await openKeys(dir, passphrase);
  t.notSame(keys.manifest.certificates.operatorIssuer, before.manifest.certificates.operatorIssuer);
  const operator = async (by: typeof keys, name: string) => {
    await issueOperator({ keys: by, name: "alice", operatorRole: "admin", out: join(root, name), now });
    return certificatesFromPem(readFileSync(join(root, name, OPERATOR_FILES.chain), "utf8"));
  };
  const [older, newer] = [await operator(before, "older"), await operator(keys, "newer")];
  const question = { root: certificatesToPem(keys.root), cluster: "demo", now: new Date("2026-08-01T00:00:00Z") } as const;
  t.equal(verifyOperator({ ...question, chain: newer }).name, "alice");
  t.throws(() => verifyOperator({ ...question, chain: older }));
});

t.test("a wrong passphrase, a broken log or open files change nothing", async (t) => {
  for (const what of ROTATABLE) {
    const dir = keysFor(`wrong-${what}`);
    await t.rejects(rotate(dir, what, true, "correct horse"), { code: "WRONG_PASSPHRASE" }, what);
    t.same((await openKeys(dir, passphrase)).manifest, before.manifest);
    t.same(readdirSync(dir).sort(), readdirSync(original).sort(), "nothing half-made stays");
  }
  const dir = keysFor("broken");
  chmodSync(dir, 0o750);
  await t.rejects(rotate(dir, "db"), { code: "READABLE_BY_OTHERS" });
  chmodSync(dir, 0o700);
  rmSync(join(dir, "signing.head"));
  await t.rejects(rotate(dir, "db"), { code: "LOG_BROKEN" });
});

t.test("an interruption at any step leaves the old keys or the new ones", async (t) => {
  const done = keysFor("whole");
  await rotate(done, "db");
  const { db: oldDb } = before;
  const { db: newDb } = await readPublicKeys(done);
  const [folder = ""] = readdirSync(join(done, "retired"));
  const names = ["db.auth", "db.crt", "db.key", "keys.json"];
  for (let moved = 0; moved <= names.length; moved++) {
    // As it was decided, with the first few files already in their places and the next one only taken away.
    const dir = keysFor(`cut-${moved}`);
    const pending = join(dir, `.rotated-${folder}`);
    const retired = join(dir, "retired", folder);
    cpSync(join(done, "signing.log"), join(dir, "signing.log"));
    cpSync(join(done, "signing.head"), join(dir, "signing.head"));
    for (const name of names) cpSync(join(done, name), join(pending, name));
    cpSync(join(dir, "db.crt"), join(retired, "keep"));
    names.forEach((name, i) => {
      if (i <= moved && existsSync(join(dir, name))) renameSync(join(dir, name), join(retired, name));
      if (i < moved) renameSync(join(pending, name), join(dir, name));
    });
    const keys = await openKeys(dir, passphrase);
    t.ok(Buffer.compare(keys.db, newDb) === 0, `after ${moved} files`);
    t.same(readdirSync(dir).sort(), readdirSync(done).sort());
    t.ok(Buffer.compare(new X509Certificate(readFileSync(join(retired, "db.crt"))).raw, oldDb) === 0, "the old one is kept");
    t.ok(createPrivateKey({ key: readFileSync(join(retired, "db.key")), passphrase }));
  }
  const undecided = keysFor("undecided");
  cpSync(join(done, "db.crt"), join(undecided, ".rotating-abc", "db.crt"));
  t.ok(Buffer.compare((await openKeys(undecided, passphrase)).db, oldDb) === 0, "before it is decided");
  await rotate(undecided, "kek");
  t.notOk(existsSync(join(undecided, ".rotating-abc")), "and the next rotation tidies up");
});
