import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import { initKeys } from "../keys/init-keys.ts";
import { openKeys } from "../keys/open-keys.ts";
import { predictPcrs } from "../measure/predict.ts";
import { makeFileSigner } from "../sign/signer.ts";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { assembleUki } from "../uki/assemble.ts";
import { checkReleaseFiles, readRelease } from "./read-release.ts";
import { sealRelease } from "./seal-release.ts";

const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
const root = mkdtempSync(join(tmpdir(), "kubedos-seal-"));
t.teardown(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);
const efi = (name: string) => readFileSync(join(tc.tree, "usr/lib/systemd/boot/efi", name));
await initKeys({ dir: at("keys"), cluster: "demo", passphrase: "correct horse battery", now: new Date() });
const keys = await openKeys(at("keys"), "correct horse battery");
const signer = makeFileSigner(keys);

writeFileSync(at("root.erofs"), Buffer.alloc(1 << 20, "root"));
writeFileSync(at("root.verity"), Buffer.alloc(1 << 14, "verity"));
const rootHash = createHash("sha256").update("root").digest("hex");
const cmdline = utf8(`roothash=${rootHash}`);
writeFileSync(at("unsigned.efi"), assembleUki({ stub: efi("linuxx64.efi.stub"), linux: efi("systemd-bootx64.efi"), osrel: utf8("ID=x\n"), uname: utf8("6.12"), initrd: utf8("i"), cmdline }));
const signedUki = await signer.signUki(readFileSync(at("unsigned.efi")));
const assembled = { role: "worker", key: "0", root: at("root.erofs"), verity: at("root.verity"), rootHash, uki: at("unsigned.efi") };
const request = { cluster: "demo", id: "0123456789abcdef", generation: 3, epoch: 1_767_225_600, images: [{ assembled, signedUki, volumePolicy: null, pcrs: predictPcrs(signedUki, keys) }], keysDir: at("keys") };
const seal = (out: string) => sealRelease(tc, signer, { ...request, dir: at(`${out}/demo/0123456789abcdef`) }, () => undefined);

function sums(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  return Object.fromEntries(files.sort().map((f) => [f.slice(dir.length), createHash("sha256").update(readFileSync(f)).digest("hex")]));
}

t.test("sealed twice, bit for bit the same, signatures included", async (t) => {
  await seal("one");
  await seal("two");
  const files = sums(at("one"));
  t.same(sums(at("two")), files);
  t.same(Object.keys(files).map((f) => f.replace("/demo/0123456789abcdef/", "")), [
    "keys/db.crt", "keys/kek.crt", "keys/keys.json", "keys/operator-issuer.crt", "keys/pk.crt", "keys/root.crt", "release.json", "worker/disk.qcow2", "worker/uki.efi",
  ]);
  t.same(readdirSync(at("one/demo")), ["0123456789abcdef"], "nothing half-made stays");
});

t.test("the release verifies, and its files are what it says", async (t) => {
  const dir = at("one/demo/0123456789abcdef");
  const release = await readRelease(dir, keys.releaseKey);
  t.match(release, { generation: 3, images: [{ role: "worker", rootHash, pcrs: { "4": { rule: "exact" }, "11": { rule: "words", earliest: "kubedos-agent" }, "12": { rule: "zero" } } }] });
  t.same(Object.keys(release.images[0]?.pcrs ?? {}).map(Number).sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14], "a rule for every quoted PCR");
  await checkReleaseFiles(dir, release);
});

t.test("what exists is not overwritten, and a changed file is seen", async (t) => {
  const dir = at("two/demo/0123456789abcdef");
  const release = await readRelease(dir, keys.releaseKey);
  const disk = readFileSync(join(dir, "worker/disk.qcow2"));
  disk[disk.length - 1] = (disk.at(-1) ?? 0) ^ 1;
  writeFileSync(join(dir, "worker/disk.qcow2"), disk);
  await seal("two");
  t.ok(readFileSync(join(dir, "worker/disk.qcow2")).equals(disk));
  await t.rejects(checkReleaseFiles(dir, release), { code: "RELEASE_DIFFERS" });
  rmSync(join(dir, "worker/disk.qcow2"));
  await t.rejects(checkReleaseFiles(dir, release), { code: "RELEASE_DIFFERS" }, "missing");
  mkdirSync(at("empty"));
  await t.rejects(readRelease(at("empty"), keys.releaseKey));
  await initKeys({ dir: at("foreign"), cluster: "demo", passphrase: "correct horse battery", now: new Date() });
  const foreign = await openKeys(at("foreign"), "correct horse battery");
  await t.rejects(readRelease(dir, foreign.releaseKey), { code: "BAD_VALUE" }, "another cluster's release key");
});
