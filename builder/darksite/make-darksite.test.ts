import { createPublicKey, generateKeyPairSync, hash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { debPath } from "../lock/ensure-debs.ts";
import type { Lock } from "../lock/lock.ts";
import { withAptRoot } from "../lock/apt-root.ts";
import { SmallArchive } from "../lock/testing/small-archive.ts";
import { memoryKey } from "../keys/private-key.ts";
import { makeFileSigner, type SignerKeys } from "../sign/signer.ts";
import { parseFileList } from "./file-list.ts";
import { fillCache } from "./fill-cache.ts";
import { makeDarksite, type MakeDarksiteResult } from "./make-darksite.ts";
import { smallLock } from "./testing/small-lock.ts";
import { verifyDarksite } from "./verify-darksite.ts";

t.setTimeout(120_000);
const archive = await new SmallArchive().start();
const root = mkdtempSync(join(tmpdir(), "kubedos-site-"));
t.teardown(async () => {
  await archive.remove();
  rmSync(root, { recursive: true });
});
const DATA = Buffer.alloc(100_000, "some file's bytes");
const digest = (data: Buffer): string => hash("sha256", data, "hex");
archive.instead.set("tool.tar.gz", DATA);
archive.instead.set("six-1.17.0-py3-none-any.whl", DATA.subarray(1));
const extras = {
  files: [{ name: "tool", version: "1.2", url: `${archive.mirror}/tool.tar.gz`, size: DATA.length, sha256: digest(DATA) }],
  wheels: [{ name: "six", version: "1.17.0", file: "six-1.17.0-py3-none-any.whl", url: `${archive.mirror}/six-1.17.0-py3-none-any.whl`, size: DATA.length - 1, sha256: digest(DATA.subarray(1)) }],
};
const plain = await smallLock(archive);
const lock: Lock = { ...plain, ...extras };
const release = generateKeyPairSync("ed25519");
const releaseKey = createPublicKey(release.privateKey);
const signing = { cluster: "demo", releaseKey, signer: makeFileSigner({ cluster: "demo", releaseSigningKeys: [memoryKey(release.privateKey)] } as unknown as SignerKeys) };

let dir = "";
let cacheDir = "";
t.beforeEach(() => {
  const base = mkdtempSync(join(root, "case-"));
  [dir, cacheDir] = [join(base, "site"), join(base, "cache")];
  archive.asked.length = 0;
});
const quiet = (): void => undefined;
const make = (more: Partial<Parameters<typeof makeDarksite>[0]> = {}): Promise<MakeDarksiteResult> => makeDarksite({ lock, dir, cacheDir, signing, now: new Date(), report: quiet, ...more });
const check = (key: typeof releaseKey | null = releaseKey): ReturnType<typeof verifyDarksite> => verifyDarksite({ dir, releaseKey: key ?? undefined, report: quiet });
const listed = (): readonly string[] => parseFileList(readFileSync(join(dir, "files.json")), "files.json").map((f) => f.path);

t.test("everything that a lock names, listed and signed", async (t) => {
  const made = await make();
  t.match(made, { added: 6, kept: false, files: 11 });
  t.same(listed(), [
    "apt/dists/trixie/InRelease",
    "apt/dists/trixie/main/binary-amd64/Packages",
    "apt/kubedos.gpg",
    "apt/pool/small/linux-image-1_1.0-1_all.deb",
    "apt/pool/small/one_1.0-1_all.deb",
    "apt/pool/small/stub_1.0-1_all.deb",
    "apt/pool/small/two-c++_2.0~rc1+x-1_all.deb",
    "files/tool/1.2/tool.tar.gz",
    "oci/index.json",
    "oci/oci-layout",
    "wheels/six-1.17.0-py3-none-any.whl",
  ]);
  t.match(await check(), { files: 11, signed: { cluster: "demo", files: 11 } });
  t.notOk(existsSync(join(dir, ".partial")));
  archive.asked.length = 0;
  const list = readFileSync(join(dir, "files.json"));
  t.match(await make(), { added: 0, kept: true });
  t.same(archive.asked, [], "the second run asks nobody");
  t.same(readFileSync(join(dir, "files.json")), list);
});

t.test("apt takes packages from it, by its certificate alone", async (t) => {
  await make();
  const origins = [{ name: "site", mirror: `copy:${join(dir, "apt")}`, suite: "trixie", component: "main" }];
  const policy = (keyring: string): Promise<string> =>
    withAptRoot({ origins, keyring }, async (apt) => {
      await apt.run(["apt-get", "update", "--quiet", "--quiet"]);
      return (await apt.run(["apt-get", "install", "--simulate", "--quiet", "--", "one", "two-c++"])).stdout;
    });
  t.match(await policy(join(dir, "apt/kubedos.gpg")), /Inst two-c\+\+ \(1:2\.0~rc1\+x-1 trixie \[all\]\)/);
  await t.rejects(policy(archive.keyring), { code: "FAILED", message: /NO_PUBKEY|not signed|verif/i });
});

t.test("a run that was stopped anywhere is gone on with", async (t) => {
  archive.instead.set("tool.tar.gz", 404);
  await t.rejects(make(), { code: "SOURCE_GONE" });
  await t.rejects(check(), { code: "DARKSITE_UNFINISHED" });
  archive.instead.set("tool.tar.gz", DATA);
  archive.asked.length = 0;
  await make();
  t.ok(archive.asked.includes("tool.tar.gz"));
  t.equal(archive.asked.filter((path) => path.endsWith(".deb")).length, 0, "what came isn't asked for again");
  await check();
  rmSync(join(dir, "files.json"));
  await t.rejects(check(), { code: "DARKSITE_UNFINISHED" });
  t.match(await make(), { added: 0, kept: false }, "stopped while the indexes were written");
  await check();
  mkdirSync(join(dir, ".partial"));
  renameSync(join(dir, "files.json"), join(dir, ".partial/files.json"));
  t.match(await make({ lock: plain }), { added: 0, kept: false, files: 11 }, "so stopped, and gone on with by another lock");
  await check();
});

t.test("another lock adds, and what is spoilt is brought again", async (t) => {
  await make({ lock: plain });
  t.match(await make(), { added: 2, kept: false });
  t.match(await make({ lock: plain }), { added: 0, kept: true }, "a lock of less takes nothing away");
  await check();
  const path = join(dir, "wheels/six-1.17.0-py3-none-any.whl");
  writeFileSync(path, DATA.subarray(0, -1));
  t.match(await make({ lock: plain }), { added: 0, kept: false }, "what nobody wants now and is spoilt is no longer listed");
  t.notOk(listed().includes("wheels/six-1.17.0-py3-none-any.whl"));
  await t.rejects(check(), { code: "DARKSITE_DIFFERS", message: /six-1\.17\.0-py3-none-any\.whl is not on the list/ });
  t.match(await make(), { added: 1 });
  await check();
});

t.test("packages of the cache aren't fetched, but for spoilt ones", async (t) => {
  await make();
  const [first, second] = plain.packages;
  mkdirSync(join(cacheDir, "debs"), { recursive: true });
  for (const p of [first, second]) writeFileSync(debPath(cacheDir, p?.sha256 ?? ""), readFileSync(join(dir, `apt/pool/small/${p?.path.split("/").at(-1)}`)));
  appendFileSync(debPath(cacheDir, second?.sha256 ?? ""), "x");
  rmSync(dir, { recursive: true });
  archive.asked.length = 0;
  await make({ lock: plain });
  t.same(archive.asked.sort(), plain.packages.slice(1).map((p) => p.path).sort());
  await check();
});

t.test("what verify finds", async (t) => {
  await make();
  const spoil = async (name: string, expected: { readonly code: string; readonly message?: RegExp }, spoiling: (path: (name: string) => string) => void): Promise<void> => {
    const whole = new Map(readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => [join(e.parentPath, e.name), readFileSync(join(e.parentPath, e.name))]));
    spoiling((file) => join(dir, file));
    await t.rejects(check(), expected, name);
    rmSync(dir, { recursive: true });
    for (const [path, data] of whole) {
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, data);
    }
    await t.resolves(check(), `${name}, undone`);
  };
  const DEB = "apt/pool/small/one_1.0-1_all.deb";
  const flip = (path: string): void => {
    const data = readFileSync(path);
    data[data.length >> 1] = (data[data.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, data);
  };
  await spoil("a changed byte", { code: "DARKSITE_DIFFERS", message: /one_1\.0-1_all\.deb has SHA-256/ }, (path) => flip(path(DEB)));
  await spoil("a byte more", { code: "DARKSITE_DIFFERS", message: /one_1\.0-1_all\.deb has \d+ bytes/ }, (path) => appendFileSync(path(DEB), "x"));
  await spoil("a file less", { code: "DARKSITE_DIFFERS", message: /one_1\.0-1_all\.deb is missing/ }, (path) => rmSync(path(DEB)));
  await spoil("a file more", { code: "DARKSITE_DIFFERS", message: /apt\/evil\.deb is not on the list/ }, (path) => writeFileSync(path("apt/evil.deb"), "x"));
  await spoil("no list", { code: "DARKSITE_UNFINISHED" }, (path) => rmSync(path("files.json")));
  await spoil("half a list", { code: "DARKSITE_DIFFERS" }, (path) => writeFileSync(path("files.json"), readFileSync(path("files.json")).subarray(0, -3)));
  await spoil("no signature", { code: "DARKSITE_UNSIGNED" }, (path) => rmSync(path("files.sig.json")));
  await spoil("a list of less, well written", { code: "DARKSITE_FORGED", message: /another list/ }, (path) => writeFileSync(path("files.json"), readFileSync(path("files.json"), "utf8").replace(/\n.*one_1.*/, "")));
  await t.rejects(check(generateKeyPairSync("ed25519").publicKey), { code: "DARKSITE_FORGED", message: /no signature of these keys/ });
});

t.test("without keys it agrees with itself, and says so", async (t) => {
  await make({ signing: undefined });
  t.match(await check(null), { signed: undefined, files: 11 });
  await t.rejects(check(), { code: "DARKSITE_UNSIGNED" });
  t.match(await make(), { added: 0, kept: false }, "with keys it is signed");
  await check();
});

t.test("two at once", async (t) => {
  const both = await Promise.allSettled([make(), make()]);
  t.equal(both.filter((b) => b.status === "fulfilled").length, 1);
  t.match(both.find((b) => b.status === "rejected"), { reason: { code: "DARKSITE_BUSY" } });
  await check();
});

t.test("a cache is filled from it, by digest alone", async (t) => {
  await make();
  const fill = (strict = true): Promise<void> => fillCache({ dir, cacheDir, packages: plain.packages, strict, report: quiet });
  await fill();
  for (const p of plain.packages) t.equal(digest(readFileSync(debPath(cacheDir, p.sha256))), p.sha256);
  rmSync(cacheDir, { recursive: true });
  writeFileSync(join(dir, "apt/pool/small/one_1.0-1_all.deb"), readFileSync(join(dir, "apt/pool/small/stub_1.0-1_all.deb")));
  await t.rejects(fill(), { code: "DARKSITE_LACKS", message: /is not one 1\.0-1 of the base tree/ });
  rmSync(join(dir, "apt/pool/small/one_1.0-1_all.deb"));
  await t.rejects(fill(), { code: "DARKSITE_LACKS", message: /doesn't hold one 1\.0-1 of the base tree/ });
  await t.resolves(fill(false), "with mirrors to fall back on, that is none of its business");
  t.equal(readdirSync(join(cacheDir, "debs")).length, 3, "and nothing half-copied stays");
});
