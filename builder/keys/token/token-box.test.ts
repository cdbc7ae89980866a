import { createHash, verify } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openEnvelope } from "../../../proto/dsse/dsse.ts";
import { PINS_TYPE } from "../../../proto/release/pins.ts";
import { verifyOperator } from "../../../proto/pki/verify.ts";
import { certificatesFromPem } from "../../../proto/pki/pem.ts";
import { utf8 } from "../../../proto/wire/bytes.ts";
import { canonicalJson } from "../../../proto/wire/json.ts";
import { startSigner } from "../../sign/process/start-signer.ts";
import { readLog } from "../../sign/signing-log.ts";
import { defaultCacheDir, ensureToolchain } from "../../toolchain/ensure-toolchain.ts";
import { runTool } from "../../toolchain/run-tool.ts";
import { KEY_FILES } from "../files.ts";
import { initKeys } from "../init-keys.ts";
import { issueOperator, OPERATOR_FILES } from "../issue-operator.ts";
import { openBox } from "../open-box.ts";
import { openKeys, publicOf } from "../open-keys.ts";
import { readPublicKeys } from "../read-public-keys.ts";
import { rotateKeys } from "../rotate-keys.ts";
import type { TokenAccess } from "./run-openssl.ts";

const tools = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const root = mkdtempSync(join(tmpdir(), "kubedos-hsm-"));
t.teardown(() => rmSync(root, { recursive: true }));
const hsm = join(root, "hsm");
mkdirSync(join(hsm, "tokens"), { recursive: true });
const conf = join(hsm, "softhsm2.conf");
writeFileSync(conf, `directories.tokendir = ${hsm}/tokens\nobjectstore.backend = file\n`);
const pin = "7301-correct-horse";
const env = { SOFTHSM2_CONF: conf };
await runTool(tools, ["softhsm2-util", "--init-token", "--free", "--label", "prod", "--so-pin", "12345678", "--pin", pin], { binds: [hsm], env });
const token: TokenAccess = { tools, pin, address: { module: "/usr/lib/softhsm/libsofthsm2.so", token: "prod", binds: [hsm], env } };

const dir = join(root, "keys");
const now = new Date("2026-06-01T00:00:00Z");
await initKeys({ dir, cluster: "demo", passphrase: "", token, now });
const keys = await openKeys(dir, { secret: pin, tools });
const pins = canonicalJson({ kind: "kubedos/pins", version: 1, cluster: "demo", serial: 1, slots: [] });

t.test("the directory holds certificates and labels, and no private key", async (t) => {
  const names = readdirSync(dir);
  t.ok(names.includes(KEY_FILES.token));
  t.notOk(names.some((name) => name.endsWith(".key")));
  for (const name of names) {
    const text = readFileSync(join(dir, name), "utf8");
    t.notMatch(text, /PRIVATE KEY/, name);
    t.notOk(text.includes(pin), name);
  }
});

t.test("each key signs by the scheme of its type, the same each time where that is promised", async (t) => {
  const message = utf8("what is to be signed");
  const rsa = await keys.dbKey.sign(message);
  t.ok(verify("sha256", message, publicOf(keys.db), rsa));
  t.same(await keys.dbKey.sign(message), rsa, "RSASSA-PKCS1-v1_5");
  const [release] = keys.releaseSigningKeys;
  const signature = await release?.sign(message);
  t.ok(verify(null, message, keys.releaseKey, signature ?? new Uint8Array()));
  t.same(await release?.sign(message), signature, "Ed25519");
});

t.test("a signer's process signs with it, and an operator is issued by it", async (t) => {
  const signer = await startSigner({ dir, purposes: ["pins"], secret: pin, tools });
  const envelope = await signer.signDocument("pins", pins);
  await signer.stop();
  t.same(openEnvelope(PINS_TYPE, envelope, keys.releaseKeys), pins);
  t.equal((await readLog(dir, keys.releaseKeys)).entries.length, 1);
  const out = join(root, "alice");
  await issueOperator({ keys, name: "alice", operatorRole: "admin", out, now });
  const chain = certificatesFromPem(readFileSync(join(out, OPERATOR_FILES.chain), "utf8"));
  t.equal(verifyOperator({ chain, root: readFileSync(join(out, OPERATOR_FILES.root), "utf8"), cluster: "demo", now }).name, "alice");
});

t.test("near misses", async (t) => {
  await t.rejects(startSigner({ dir, purposes: ["pins"], secret: `${pin}x`, tools }), { name: "KeysError", code: "TOKEN_FAILED" }, "a wrong PIN, before anything is made");
  const wrong = await openKeys(dir, { secret: `${pin}x`, tools });
  await t.rejects(wrong.dbKey.sign(pins), { code: "TOKEN_FAILED" }, "a wrong PIN");
  await t.rejects(openKeys(dir, { secret: pin }), { code: "TOKEN_FAILED" }, "no tools");
  const box = await openBox(dir, "demo", { secret: pin, tools });
  const swapped = await box.open("kek", publicOf(keys.db));
  await t.rejects(swapped.sign(pins), { code: "DAMAGED" }, "another key's object");
  t.ok(verify("sha256", pins, publicOf(keys.db), await keys.dbKey.sign(pins)), "and the right one still signs");
  const settings = join(dir, KEY_FILES.token);
  const text = readFileSync(settings, "utf8");
  writeFileSync(settings, text.replace('"prod"', '"prod;object=x"'));
  await t.rejects(openKeys(dir, { secret: pin, tools }), { code: "DAMAGED" }, "a label that is more than one");
  writeFileSync(settings, text.replace('"prod"', '"other"'));
  await t.rejects((await openKeys(dir, { secret: pin, tools })).dbKey.sign(pins), { code: "TOKEN_FAILED" }, "a token that isn't there");
  writeFileSync(settings, text);
});

t.test("the public files are those of any key directory", async (t) => {
  const { manifest } = await readPublicKeys(dir);
  t.equal(manifest.certificates.db, createHash("sha256").update(keys.db).digest("hex"));
  t.notMatch(JSON.stringify(manifest), /softhsm|prod/, "where the token is stays in the key directory");
});

t.test("keys in a token are rotated there", async (t) => {
  const message = utf8("after the rotation");
  await rotateKeys({ dir, access: { secret: pin, tools }, what: "release", uid: 0, now: new Date("2026-06-02T00:00:00Z"), acceptStranded: false });
  await rotateKeys({ dir, access: { secret: pin, tools }, what: "db", uid: 0, now: new Date("2026-06-03T00:00:00Z"), acceptStranded: false });
  const after = await openKeys(dir, { secret: pin, tools });
  t.ok(after.releaseKeys[1]?.equals(keys.releaseKey));
  for (const [i, key] of after.releaseSigningKeys.entries()) t.ok(verify(null, message, after.releaseKeys[i] ?? keys.releaseKey, await key.sign(message)));
  t.notOk(publicOf(after.db).equals(publicOf(keys.db)));
  t.ok(verify("sha256", message, publicOf(after.db), await after.dbKey.sign(message)));
});
