import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t from "tap";
import { openSealing, SEALED_PASSPHRASE } from "../../test/fakes/sealed-release.ts";
import { golden } from "../../test/golden.ts";
import { runCli } from "../cli/run-cli.ts";
import { encodeFileList, parseFileList } from "../darksite/file-list.ts";
import { makeDarksite } from "../darksite/make-darksite.ts";
import { DARKSITE } from "../darksite/paths.ts";
import { smallLock } from "../darksite/testing/small-lock.ts";
import { APT_INDEXES } from "../darksite/write-apt.ts";
import { initKeys } from "../keys/init-keys.ts";
import { SmallArchive } from "../lock/testing/small-archive.ts";
import { healOut } from "../out/append-index.ts";
import { rebuildFiles, writeInputs } from "./inputs.ts";
import { keepRecords } from "./keep-records.ts";
import { BUNDLE } from "./make-bundle.ts";
import { verifyBundle } from "./verify-bundle.ts";

t.setTimeout(120_000);
const root = mkdtempSync(join(tmpdir(), "kubedos-verify-bundle-"));
const archive = await new SmallArchive().start();
t.teardown(async () => {
  await archive.remove();
  rmSync(root, { recursive: true });
});
const at = (name: string): string => join(root, name);
const quiet = (): void => undefined;
const [first, second] = ["0123456789abcdef", "1123456789abcdef"];

for (const dir of ["keys", "others"]) await initKeys({ dir: at(dir), cluster: "demo", passphrase: SEALED_PASSPHRASE, now: new Date() });
const lock = await smallLock(archive);
const { seal, signer, outFolder, keys } = await openSealing(root, quiet, lock);
writeFileSync(at("cluster.yaml"), "spec of a test\n");
await keepRecords({ signer, specFile: at("cluster.yaml") }, at(`out/demo/${first}`), lock, (by) => seal("out", first, 3, by));
await healOut(outFolder("out"));
await seal("other", second, 4);
// A bundle as makeBundle leaves it, but for this program, which takes long to pack; make-bundle.test.ts checks a real one.
await makeDarksite({ lock, dir: at("bundle"), cacheDir: at("cache"), now: new Date(), report: quiet, addFiles });

async function addFiles(dir: string): Promise<readonly string[]> {
  const { inputs, signatures } = rebuildFiles(at(`out/demo/${first}`));
  mkdirSync(join(dir, "rebuild"));
  cpSync(at(`out/demo/${first}`), join(dir, BUNDLE.release), { recursive: true });
  rmSync(join(dir, BUNDLE.release, "worker/disk.qcow2"));
  cpSync(inputs, join(dir, BUNDLE.inputs));
  cpSync(signatures, join(dir, BUNDLE.signatures));
  cpSync(at("out/demo/index.jsonl"), join(dir, BUNDLE.index));
  writeFileSync(join(dir, BUNDLE.builder), "this program");
  return filesUnder(dir).filter((path) => /^(release|rebuild)\//.test(path));
}

function filesUnder(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(join(dir, "/").length));
}

/** Writes a file that may be there, and read-only. */
function put(dir: string, path: string, data: string | Uint8Array): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  rmSync(join(dir, path), { force: true });
  writeFileSync(join(dir, path), data);
}

function flip(dir: string, path: string): void {
  const data = readFileSync(join(dir, path));
  data[data.length >> 1] = (data[data.length >> 1] ?? 0) ^ 1;
  put(dir, path, data);
}

/** What nobody's signature hinders: the list is made for what is there. */
function list(dir: string): void {
  const files = filesUnder(dir).filter((path) => path !== DARKSITE.list).map((path) => ({ path, size: statSync(join(dir, path)).size, sha256: createHash("sha256").update(readFileSync(join(dir, path))).digest("hex") }));
  writeFileSync(join(dir, DARKSITE.list), encodeFileList(files));
}

const look = (dir: string) => verifyBundle({ dir, releaseKeys: [keys.releaseKey], report: quiet });

/** What is found in a copy after `spoil`, as "CODE file"; `list`: its list was made to fit. */
async function spoilt(spoil: (dir: string) => void | Promise<void>, after: (dir: string) => void = () => undefined): Promise<readonly string[]> {
  const copy = mkdtempSync(at("copy-"));
  cpSync(at("bundle"), copy, { recursive: true });
  await spoil(copy);
  after(copy);
  const { findings } = await look(copy);
  rmSync(copy, { recursive: true });
  return findings.map((f) => `${f.code} ${f.file}`);
}

async function run(...argv: readonly string[]) {
  let [out, err] = ["", ""];
  const io = { out: (text: string) => void (out += text), report: (line: string) => void (err += `${line}\n`), signal: new AbortController().signal, env: {}, now: () => new Date(), askSecret: () => Promise.reject(new Error("no terminal here")) };
  const exit = await runCli(argv, io, (text) => void (err += text));
  return { exit, out, err };
}

const good: readonly string[] = [];

t.test("a whole bundle: each check, and what it leaves open", async (t) => {
  t.same(parseFileList(readFileSync(at(`bundle/${DARKSITE.list}`)), "").length, filesUnder(at("bundle")).length - 1);
  const table = await run("verify", at("bundle"), "--keys", at("keys"));
  t.equal(table.exit, 0, table.err);
  const shown = table.out.replaceAll(root, "DIR").replace(/\d+ files, \S+ \w+/, (said) => "N files, SIZE".padEnd(said.length));
  t.equal(shown, golden("cli/build-verify-bundle.txt", shown));
  t.ok(table.out.replaceAll(root, "").split("\n").every((line) => line.length <= 100), "in 100 columns");
  const { exit, out } = await run("verify", at("bundle"), "--keys", at("keys"), "-o", "json");
  const shape = `${JSON.stringify(JSON.parse(out), null, 2)}\n`.replaceAll(/[0-9a-f]{64}/g, "HEX").replaceAll(root, "DIR").replaceAll(/\d+ files, \S+ \w+/g, "N files, SIZE").replace(/"files": \d+/, '"files": 0').replace(/"bytes": \d+/, '"bytes": 0');
  t.equal(exit, 0);
  t.equal(shape, golden("cli/build-verify-bundle.json", shape));
  t.match(await run("verify", at("bundle"), "--self"), { exit: 0, err: /only compared with itself/ });
  t.match(await run("verify", at("bundle")), { exit: 2, err: /proves nothing/ });
});

t.test("a file that isn't as its list says", async (t) => {
  t.same(await spoilt(() => undefined), good);
  t.same(await spoilt((d) => flip(d, BUNDLE.builder)), [`FILE_CHANGED ${BUNDLE.builder}`], "one bit");
  t.same(await spoilt((d) => writeFileSync(join(d, BUNDLE.builder), "x")), [`FILE_CHANGED ${BUNDLE.builder}`], "another size");
  t.same(await spoilt((d) => rmSync(join(d, BUNDLE.builder))), [`FILE_MISSING ${BUNDLE.builder}`]);
  t.same(await spoilt((d) => put(d, "files/more", "x")), ["FILE_EXTRA files/more"]);
  t.same(await spoilt((d) => put(d, DARKSITE.signature, "{}")), [`FILE_EXTRA ${DARKSITE.signature}`], "bundles have no signature");
  const copy = at("spoilt");
  cpSync(at("bundle"), copy, { recursive: true });
  flip(copy, BUNDLE.builder);
  t.match(await run("verify", copy, "--keys", at("keys")), { exit: 8, out: /^FILE_CHANGED +rebuild\/builder\.tar +has SHA-256/m, err: /1 thing is wrong/ });
  rmSync(join(copy, DARKSITE.list));
  t.match(await run("verify", copy, "--keys", at("keys")), { exit: 3, err: /has no files\.json.*\n +next: kubedos-build bundle OUT -o DIR/s });
});

t.test("a release inside that isn't the one that was signed", async (t) => {
  const uki = `${BUNDLE.release}/worker/uki.efi`;
  t.same(await spoilt(() => undefined, list), good, "a list made anew");
  t.same(await spoilt((d) => flip(d, uki), list), [`FILE_CHANGED ${uki}`, `DOCUMENTS_DISAGREE ${uki}`, `SIGNATURE_WRONG ${uki}.bundle`, `DOCUMENTS_DISAGREE ${uki}`]);
  t.same(await spoilt((d) => rmSync(join(d, `${uki}.bundle`)), list), [`FILE_MISSING ${uki}.bundle`]);
  t.same(await spoilt((d) => put(d, `${BUNDLE.release}/more`, "x"), list), [`FILE_EXTRA ${BUNDLE.release}/more`, `DOCUMENTS_DISAGREE ${BUNDLE.release}/more`]);
  const sums = `${BUNDLE.release}/SHA256SUMS`;
  const otherDisk = (d: string) => put(d, sums, readFileSync(join(d, sums), "utf8").replace(/^[0-9a-f]{64}(?= {2}worker\/disk)/m, "ab".repeat(32)));
  t.same(await spoilt(otherDisk, list), [`FILE_CHANGED ${BUNDLE.release}/worker/disk.qcow2`, `SIGNATURE_WRONG ${sums}.bundle`, `SIGNATURE_WRONG ${sums}.sigstore.json`, `RELEASE_REPLACED ${BUNDLE.index}`], "of a disk that isn't there the documents agree");
  t.same(await spoilt((d) => rmSync(join(d, BUNDLE.release), { recursive: true }), list), [`FILE_MISSING ${BUNDLE.release}/release.json`]);
  t.match(await verifyBundle({ dir: at("bundle"), releaseKeys: [], report: quiet }), { release: undefined, checks: [{ result: "good" }, { result: "good" }, { result: "wrong" }, ...Array.from({ length: 4 }, () => ({ result: "not checked" }))] }, "of which nobody knows the key");
  t.match(await run("verify", at("bundle"), "--keys", at("others")), { exit: 8, out: /^SIGNATURE_WRONG +release\/release\.json/m });
});

t.test("another release than the one that this was built from", async (t) => {
  const swap = (d: string) => {
    rmSync(join(d, BUNDLE.release), { recursive: true });
    cpSync(at(`other/demo/${second}`), join(d, BUNDLE.release), { recursive: true });
  };
  t.same(await spoilt(() => undefined, list), good);
  t.same(await spoilt(swap, list), [`DOCUMENTS_DISAGREE ${BUNDLE.signatures}`, `RELEASE_UNKNOWN ${BUNDLE.index}`], "as good as the first one, and signed by the same key");
  t.same(await spoilt((d) => put(d, BUNDLE.signatures, ""), list), [`DOCUMENTS_DISAGREE ${BUNDLE.signatures}`]);
  t.same(await spoilt((d) => put(d, BUNDLE.signatures, "{}\n"), list), [`INPUTS_WRONG ${BUNDLE.signatures}`]);
  t.same(await spoilt((d) => flip(d, BUNDLE.index), list), [`INDEX_BROKEN ${BUNDLE.index}`]);
});

t.test("another lock, and files that aren't the lock's", async (t) => {
  const deb = "apt/pool/small/one_1.0-1_all.deb";
  t.same(await spoilt(() => undefined, list), good);
  t.same(await spoilt((d) => writeInputs(join(d, BUNDLE.inputs), at("cluster.yaml"), { ...lock, packages: lock.packages.map((p) => ({ ...p, size: p.size + 1 })) }), list), [`DOCUMENTS_DISAGREE ${BUNDLE.inputs}`]);
  t.same(await spoilt((d) => put(d, BUNDLE.inputs, "no tar"), list), [`INPUTS_WRONG ${BUNDLE.inputs}`]);
  t.same(await spoilt((d) => flip(d, deb), list), [`DOCUMENTS_DISAGREE ${deb}`]);
  t.same(await spoilt((d) => rmSync(join(d, deb)), list), [`FILE_MISSING ${deb}`]);
  const [, inRelease = ""] = APT_INDEXES;
  t.same(await spoilt((d) => put(d, inRelease, readFileSync(join(d, inRelease), "utf8").replace("Components: main", "Components: more")), list), [`SIGNATURE_WRONG ${inRelease}`]);
});
