import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { smallLock } from "../darksite/testing/small-lock.ts";
import { verifyDarksite } from "../darksite/verify-darksite.ts";
import { initKeys } from "../keys/init-keys.ts";
import { openKeys } from "../keys/open-keys.ts";
import { encodeLock } from "../lock/lock.ts";
import { SmallArchive } from "../lock/testing/small-archive.ts";
import { openSealing } from "../../test/fakes/sealed-release.ts";
import { makeFileSigner } from "../sign/signer.ts";
import { runHost } from "../toolchain/run-host.ts";
import { findRelease } from "./find-release.ts";
import { readInputs, rebuildFiles, writeInputs } from "./inputs.ts";
import { keepRecords } from "./keep-records.ts";
import { makeBundle } from "./make-bundle.ts";
import { rebuildRelease } from "./rebuild.ts";
import { verifyBundle } from "./verify-bundle.ts";

t.setTimeout(120_000);
const root = mkdtempSync(join(tmpdir(), "kubedos-bundle-test-"));
const archive = await new SmallArchive().start();
t.teardown(async () => {
  await archive.remove();
  rmSync(root, { recursive: true });
});
const at = (name: string): string => join(root, name);
const quiet = (): void => undefined;
const lock = await smallLock(archive);

/** A spec with a role of its own beside it, as this user, umask and hour leave it. */
function makeSpec(name: string, mode: number): string {
  const dir = at(name);
  mkdirSync(join(dir, "roles/mine/overlay/etc"), { recursive: true });
  writeFileSync(join(dir, "cluster.yaml"), "spec of a test\n");
  writeFileSync(join(dir, "roles/mine/overlay/etc/.hidden"), "x");
  writeFileSync(join(dir, "roles/mine/overlay/etc/program"), "x");
  chmodSync(join(dir, "roles/mine/overlay/etc/program"), 0o700 | mode);
  chmodSync(join(dir, "roles/mine/overlay/etc/.hidden"), 0o600 | (mode & 0o44));
  symlinkSync("/etc/passwd", join(dir, "roles/mine/overlay/etc/link"));
  writeFileSync(join(dir, "unrelated"), "x");
  utimesSync(join(dir, "cluster.yaml"), mode, mode);
  return join(dir, "cluster.yaml");
}

/** A release whose images are a few made-up bytes. */
async function makeRelease(out: string): Promise<string> {
  if (!existsSync(at("keys"))) await initKeys({ dir: at("keys"), cluster: "demo", passphrase: "correct horse battery", now: new Date() });
  const keys = await openKeys(at("keys"), "correct horse battery");
  const { seal } = await openSealing(root, quiet, lock);
  const id = "0123456789abcdef";
  const dir = at(`${out}/demo/${id}`);
  await keepRecords({ signer: makeFileSigner(keys), specFile: makeSpec(`${out}-spec`, 0) }, dir, lock, async (signer) => {
    await signer.signUki(new Uint8Array(readFileSync(at("unsigned.efi"))), { role: "worker", release: id });
    await seal(out, id, 3, signer);
  });
  return dir;
}
const releaseDir = await makeRelease("out");
const make = (bundle: string, from = releaseDir): ReturnType<typeof makeBundle> => makeBundle({ releaseDir: from, bundle, cacheDir: at("cache"), sources: [], now: new Date(), report: quiet });

t.test("inputs are the same bytes whoever packs them, and come back", async (t) => {
  await writeInputs(at("one.tar"), makeSpec("one", 0), lock);
  await writeInputs(at("two.tar"), makeSpec("two", 0o55), lock);
  const list = async (file: string): Promise<string> => (await runHost(["tar", "--list", "--verbose", "--numeric-owner", `--file=${file}`])).stdout;
  t.match(await list(at("one.tar")), /^-rwx.* 0\/0 .* roles\/mine\/overlay\/etc\/program$/m);
  t.notMatch(await list(at("one.tar")), /unrelated/);
  t.same(readFileSync(at("two.tar")), readFileSync(at("one.tar")));
  mkdirSync(at("back"));
  const { specFile, lock: read } = await readInputs(at("one.tar"), at("back"));
  t.equal(readFileSync(specFile, "utf8"), "spec of a test\n");
  t.same(encodeLock(read), encodeLock(lock));
  t.equal(readFileSync(at("back/roles/mine/overlay/etc/.hidden"), "utf8"), "x");
});

t.test("which release is meant", async (t) => {
  t.equal(await findRelease(at("out")), releaseDir);
  t.equal(await findRelease(at("out/demo")), releaseDir);
  t.equal(await findRelease(releaseDir), releaseDir);
  cpSync(releaseDir, at("many/demo/0123456789abcdef"), { recursive: true });
  cpSync(releaseDir, at("many/other/fedcba9876543210"), { recursive: true });
  await t.rejects(findRelease(at("many")), { code: "WHICH_RELEASE", message: /demo\/0123456789abcdef, other\/fedcba9876543210/ });
  t.equal(await findRelease(at("many"), "fedcba9876543210"), at("many/other/fedcba9876543210"));
  await t.rejects(findRelease(at("many"), "0000000000000000"), { code: "NO_RELEASE" });
  await t.rejects(findRelease(at("nowhere")), { code: "NO_RELEASE" });
});

t.test("a bundle holds what a rebuild takes, and nothing secret", async (t) => {
  const made = await make(at("bundle"));
  t.equal(made.release.id, "0123456789abcdef");
  await t.resolves(verifyDarksite({ dir: at("bundle"), report: quiet }));
  t.match(await verifyBundle({ dir: at("bundle"), releaseKeys: [(await openKeys(at("keys"), "correct horse battery")).releaseKey], report: quiet }), { release: { id: "0123456789abcdef" }, findings: [] });
  for (const file of ["rebuild/inputs.tar", "rebuild/signatures.jsonl", "rebuild/builder.tar", "release/release.json", "release/worker/uki.efi", "release/keys/keys.json", "apt/pool/small/one_1.0-1_all.deb"]) t.ok(existsSync(at(`bundle/${file}`)), file);
  t.notOk(existsSync(at("bundle/release/worker/disk.qcow2")), "disks are what is made again");
  const grep = await runHost(["grep", "--recursive", "--text", "--files-with-matches", "--exclude=builder.tar", "PRIVATE KEY", at("bundle")]).catch(() => ({ stdout: "" }));
  t.equal(grep.stdout, "");
});

t.test("the program in it runs", async (t) => {
  mkdirSync(at("builder"));
  await runHost(["tar", "--extract", `--file=${at("bundle/rebuild/builder.tar")}`, `--directory=${at("builder")}`]);
  t.match((await runHost([at("builder/bin/kubedos-build"), "rebuild", "--help"])).stdout, /Usage: kubedos-build rebuild/);
  t.notOk(existsSync(at("builder/node_modules/typescript")), "without what only its makers need");
});

t.test("what can't be bundled, and what can't be rebuilt", async (t) => {
  const { inputs } = rebuildFiles(releaseDir);
  renameSync(inputs, at("aside.tar"));
  await t.rejects(make(at("other")), { code: "NOT_REBUILDABLE", message: /0123456789abcdef\.inputs\.tar is not there/ });
  renameSync(at("aside.tar"), inputs);
  writeFileSync(at("bundle/rebuild/signatures.jsonl"), "", { flag: "w" });
  await t.rejects(rebuildRelease({ bundle: at("bundle"), outDir: at("again"), cacheDir: at("cache"), report: quiet }), { code: "DARKSITE_DIFFERS" });
});
