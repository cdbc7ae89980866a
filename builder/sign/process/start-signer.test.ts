import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { cpSync, chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openEnvelope } from "../../../proto/dsse/dsse.ts";
import { verifyIntermediate } from "../../../proto/pki/verify.ts";
import { certificatesToPem } from "../../../proto/pki/pem.ts";
import { PINS_TYPE } from "../../../proto/release/pins.ts";
import { sha256, utf8 } from "../../../proto/wire/bytes.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import { canonicalJson } from "../../../proto/wire/json.ts";
import { until } from "../../../test/fakes/live-node.ts";
import { openSealing } from "../../../test/fakes/sealed-release.ts";
import { PRIVATE_FILES } from "../../keys/files.ts";
import { exportSpki } from "../../keys/import-spki.ts";
import { initKeys } from "../../keys/init-keys.ts";
import { readPublicKeys } from "../../keys/read-public-keys.ts";
import { defaultCacheDir, ensureToolchain } from "../../toolchain/ensure-toolchain.ts";
import { assembleUki } from "../../uki/assemble.ts";
import { signatureOf } from "../sign-pe.ts";
import { readLog } from "../signing-log.ts";
import { PURPOSES } from "./protocol.ts";
import { startSigner } from "./start-signer.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const root = mkdtempSync(join(tmpdir(), "kubedos-signer-"));
t.teardown(() => rmSync(root, { recursive: true }));
const passphrase = "correct horse battery";
const original = join(root, "keys");
await initKeys({ dir: original, cluster: "demo", passphrase, now: new Date("2026-06-01T00:00:00Z") });
const keys = await readPublicKeys(original);

/** A copy of the keys for one test, with its own log. */
function keysFor(name: string): string {
  const dir = join(root, name);
  cpSync(original, dir, { recursive: true });
  chmodSync(dir, 0o700);
  return dir;
}

const efi = (name: string) => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));
const uki = (text: { readonly osrel?: string; readonly cmdline?: string } = {}) =>
  assembleUki({
    stub: efi("linuxx64.efi.stub"),
    linux: efi("systemd-bootx64.efi"),
    uname: utf8("6.12"),
    initrd: utf8("i"),
    osrel: utf8(text.osrel ?? "ID=kubedos\nIMAGE_ID=demo-worker\n"),
    cmdline: utf8(text.cmdline ?? `roothash=${"ab".repeat(32)} ro`),
  });
const about = { role: "worker", release: "0123456789abcdef" };
const pins = (cluster: string) => canonicalJson({ kind: "kubedos/pins", version: 1, cluster, serial: 1, slots: [] });

/** Whether a process of this number is there. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

t.test("it signs what it was started for, and its log says so", async (t) => {
  const dir = keysFor("signs");
  const signer = await startSigner({ dir, purposes: PURPOSES.slice(), secret: passphrase });
  const image = uki();
  const [signed, envelope] = await Promise.all([signer.signUki(image, about), signer.signDocument("pins", pins("demo"))]);
  t.ok(signatureOf(signed) !== undefined);
  t.same(openEnvelope(PINS_TYPE, envelope, keys.releaseKeys), pins("demo"));
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = new Date("2026-06-02T00:00:00Z");
  const certificate = await signer.issueIntermediate("hub", exportSpki(publicKey), new Date("2026-07-01T00:00:00Z"));
  const { spki } = verifyIntermediate({ certificate, root: certificatesToPem(keys.root), role: "hub", cluster: "demo", now });
  t.same(spki, exportSpki(publicKey));
  await signer.stop();
  const { entries } = await readLog(dir, keys.releaseKeys);
  t.same(
    entries.map(({ purpose, role, release, refused, digest }) => [purpose, role, release, refused, digest]),
    [
      ["uki", "worker", about.release, null, toHex(sha256(image))],
      ["pins", null, null, null, toHex(sha256(pins("demo")))],
      ["hub-issuer", "hub", null, null, toHex(sha256(exportSpki(publicKey)))],
    ],
  );
});

t.test("it is no oracle: each near miss is refused, and the log says that too", async (t) => {
  const dir = keysFor("refuses");
  const signer = await startSigner({ dir, purposes: ["uki", "pins"], secret: passphrase });
  const cases: readonly [string, string, () => Promise<unknown>][] = [
    ["a digest as a UKI", "MALFORMED", () => signer.signUki(sha256(utf8("x")), about)],
    ["a shell", "MALFORMED", () => signer.signUki(efi("systemd-bootx64.efi"), about)],
    ["another role's image", "NOT_OURS", () => signer.signUki(uki(), { ...about, role: "master" })],
    ["another cluster's image", "NOT_OURS", () => signer.signUki(uki({ osrel: "IMAGE_ID=other-worker\n" }), about)],
    ["an image that seals no root", "NOT_OURS", () => signer.signUki(uki({ cmdline: "ro" }), about)],
    ["another cluster's pins", "OTHER_CLUSTER", () => signer.signDocument("pins", pins("other"))],
    ["a digest as pins", "MALFORMED", () => signer.signDocument("pins", sha256(utf8("x")))],
    ["a purpose that it wasn't started for", "NOT_OPEN", () => signer.signDocument("release", pins("demo"))],
    ["a hub's issuer", "NOT_OPEN", () => signer.issueIntermediate("hub", exportSpki(keys.releaseKey), new Date())],
  ];
  for (const [name, code, ask] of cases) await t.rejects(ask(), { name: "SignerError", code }, name);
  t.ok(signatureOf(await signer.signUki(uki(), about)) !== undefined, "and it goes on");
  await signer.stop();
  const { entries } = await readLog(dir, keys.releaseKeys);
  t.same(entries.map((e) => e.refused), [...cases.map(([, code]) => code), null]);
});

t.test("it doesn't start with a wrong passphrase, somebody else's files or a broken log", async (t) => {
  const dir = keysFor("start");
  await t.rejects(startSigner({ dir, purposes: ["uki"], secret: "correct horse" }), { name: "KeysError", code: "WRONG_PASSPHRASE" });
  await t.rejects(startSigner({ dir: join(root, "nowhere"), purposes: ["uki"], secret: passphrase }), { name: "KeysError", code: "NOT_FOUND" });
  rmSync(join(dir, "signing.log"));
  await t.rejects(startSigner({ dir, purposes: ["uki"], secret: passphrase }), { name: "SignerError", code: "LOG_BROKEN" });
});

t.test("its end is an error with a name, and it ends with who started it", async (t) => {
  const dir = keysFor("ends");
  const signer = await startSigner({ dir, purposes: ["pins"], secret: passphrase });
  const asked = signer.signDocument("pins", pins("demo"));
  process.kill(signer.pid, "SIGKILL");
  // The answer may have been under way; what is asked afterwards isn't answered.
  await asked.catch((error: { readonly code?: string }) => t.equal(error.code, "SIGNER_GONE"));
  await until("the signer is gone", () => !lives(signer.pid));
  await t.rejects(signer.signDocument("pins", pins("demo")), { code: "SIGNER_GONE" });
  await signer.stop();

  const second = await startSigner({ dir, purposes: ["pins"], secret: passphrase });
  await second.stop();
  t.notOk(lives(second.pid), "stop waits for its end");
  await t.rejects(second.signDocument("pins", pins("demo")), { code: "SIGNER_GONE" });
});

t.test("neither passphrase nor private key is in its arguments, its environment, its log or what it signs", async (t) => {
  const dir = keysFor("secrets");
  const signer = await startSigner({ dir, purposes: [...PURPOSES], secret: passphrase });
  const outputs = [
    readFileSync(`/proc/${signer.pid}/cmdline`),
    readFileSync(`/proc/${signer.pid}/environ`),
    Buffer.from(JSON.stringify(await signer.signDocument("pins", pins("demo")))),
  ];
  const { seal } = await openSealing(root, (line) => t.comment(line));
  await seal("out", about.release, 1, signer);
  await signer.stop();
  const release = join(root, "out");
  const made = readdirSync(release, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  t.ok(made.length >= 9, "a release with its public keys");
  outputs.push(...made.map((e) => readFileSync(join(e.parentPath, e.name))));
  for (const name of readdirSync(dir).filter((n) => !n.endsWith(".key"))) outputs.push(readFileSync(join(dir, name)));
  const secrets: Buffer[] = [Buffer.from(passphrase)];
  for (const name of Object.values(PRIVATE_FILES).filter((n) => readdirSync(dir).includes(n))) {
    const key = createPrivateKey({ key: readFileSync(join(dir, name)), passphrase });
    const jwk = key.export({ format: "jwk" });
    secrets.push(key.export({ type: "pkcs8", format: "der" }), Buffer.from(jwk.d ?? "", "base64url"), Buffer.from(jwk.d ?? ""));
  }
  t.ok(secrets.length >= 18 && secrets.every((s) => s.length >= 20));
  for (const output of outputs) for (const secret of secrets) t.notOk(output.includes(secret));
  t.ok(outputs.every((o) => !/PRIVATE KEY/.test(o.toString("latin1"))));
});
