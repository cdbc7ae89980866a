import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { utf8 } from "../../proto/wire/bytes.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { SEALED_EPOCH, sealing } from "../../test/fakes/sealed-release.ts";
import { initKeys } from "../keys/init-keys.ts";
import { openKeys } from "../keys/open-keys.ts";
import { appendIndex, healOut, listReleases, openIndex, readWhole } from "../out/append-index.ts";
import { INDEX_FILE } from "../out/out-index.ts";
import { checkReleaseFiles, readRelease } from "./read-release.ts";
import { RELEASE_FILES } from "./release-files.ts";
import { parseSums } from "./sums.ts";
import { verifyRelease } from "../out/verify-release.ts";

const { tc, keys, signer, rootHash, at, seal: sealAs, outFolder } = await sealing(t);
const id = "0123456789abcdef";
const seal = (out: string) => sealAs(out, id);

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
    ...["SHA256SUMS", "SHA256SUMS.bundle", "SHA256SUMS.sigstore.json", "keys/db.crt", "keys/kek.crt", "keys/keys.json", "keys/operator-issuer.crt", "keys/pk.crt", "keys/release.pub", "keys/root.crt"],
    ...["provenance.json", "provenance.json.bundle", "release.json", "release.json.bundle", "worker/disk.qcow2"],
    ...["worker/sbom.cdx.json", "worker/sbom.cdx.json.bundle", "worker/sbom.spdx.json", "worker/sbom.spdx.json.bundle", "worker/uki.efi", "worker/uki.efi.bundle"],
  ]);
  t.same(readdirSync(at("one/demo")), ["0123456789abcdef"], "nothing half-made stays");
});

t.test("the release verifies, and its files are what it says", async (t) => {
  const dir = at("one/demo/0123456789abcdef");
  const release = await readRelease(dir, keys.releaseKeys);
  t.match(release, { generation: 3, images: [{ role: "worker", missing: [{ program: "Grafana" }], rootHash, pcrs: { "4": { rule: "exact" }, "11": { rule: "words", earliest: "kubedos-agent" }, "12": { rule: "zero" } } }] });
  t.same(Object.keys(release.images[0]?.pcrs ?? {}).map(Number).sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14], "a rule for every quoted PCR");
  await checkReleaseFiles(dir, release);
});

t.test("what exists is not overwritten, and a changed file is seen", async (t) => {
  const dir = at("two/demo/0123456789abcdef");
  const release = await readRelease(dir, keys.releaseKeys);
  const disk = readFileSync(join(dir, "worker/disk.qcow2"));
  chmodSync(join(dir, "worker/disk.qcow2"), 0o644);
  disk[disk.length - 1] = (disk.at(-1) ?? 0) ^ 1;
  writeFileSync(join(dir, "worker/disk.qcow2"), disk);
  await seal("two");
  t.ok(readFileSync(join(dir, "worker/disk.qcow2")).equals(disk));
  await t.rejects(checkReleaseFiles(dir, release), { code: "RELEASE_DIFFERS" });
  rmSync(join(dir, "worker/disk.qcow2"));
  await t.rejects(checkReleaseFiles(dir, release), { code: "RELEASE_DIFFERS" }, "missing");
  mkdirSync(at("empty"));
  await t.rejects(readRelease(at("empty"), keys.releaseKeys));
  await initKeys({ dir: at("foreign"), cluster: "demo", passphrase: "correct horse battery", now: new Date() });
  const foreign = await openKeys(at("foreign"), "correct horse battery");
  await t.rejects(readRelease(dir, foreign.releaseKeys), { code: "BAD_VALUE" }, "another cluster's release key");
});

t.test("no time, mode or mask of the builder is in it", async (t) => {
  const old = process.umask(0o077);
  await seal("three").finally(() => process.umask(old));
  for (const [out, mode] of [["one", 0o444], ["three", 0o444]] as const) {
    const found = statSync(at(`${out}/demo/${id}/worker/uki.efi`));
    t.same([found.mode & 0o777, found.mtimeMs / 1000], [mode, SEALED_EPOCH]);
  }
  t.same(statSync(at(`three/demo/${id}`)).mode & 0o777, 0o755);
});

t.test("a whole release verifies, and each thing that is spoilt is found by its code", async (t) => {
  const good = at(`one/demo/${id}`);
  t.match(await verifyRelease(good, keys.releaseKeys), { findings: [], files: 13, release: { generation: 3, images: [{ sbom: { spdx: /^[0-9a-f]{64}$/ } }] } });
  const envelope = (name: string) => join(good, name);
  const spoilt: readonly [string, (dir: string) => void, readonly string[]][] = [
    ["a byte of the disk", (d) => append(join(d, "worker/disk.qcow2")), ["FILE_CHANGED worker/disk.qcow2", "DOCUMENTS_DISAGREE worker/disk.qcow2", "DOCUMENTS_DISAGREE worker/disk.qcow2"]],
    ["a byte of an SBOM", (d) => append(join(d, "worker/sbom.spdx.json")), ["FILE_CHANGED worker/sbom.spdx.json", "DOCUMENTS_DISAGREE worker/sbom.spdx.json", "SIGNATURE_WRONG worker/sbom.spdx.json.bundle", "DOCUMENTS_DISAGREE worker/sbom.spdx.json"]],
    ["no UKI", (d) => rmSync(join(d, "worker/uki.efi")), ["FILE_MISSING worker/uki.efi", "DOCUMENTS_DISAGREE worker/uki.efi", "FILE_MISSING worker/uki.efi.bundle", "DOCUMENTS_DISAGREE worker/uki.efi"]],
    ["a file more", (d) => writeFileSync(join(d, "worker/extra"), "x"), ["FILE_EXTRA worker/extra", "DOCUMENTS_DISAGREE worker/extra"]],
    ["a link to the same bytes", (d) => { rmSync(join(d, "keys/db.crt")); symlinkSync(join(good, "keys/db.crt"), join(d, "keys/db.crt")); }, ["FILE_CHANGED keys/db.crt", "DOCUMENTS_DISAGREE keys/db.crt"]],
    ["a signature more", (d) => cpSync(envelope("release.json.bundle"), join(d, "worker/x.bundle")), ["FILE_EXTRA worker/x.bundle"]],
    ["another file's signature", (d) => cpSync(envelope("release.json.bundle"), join(d, "worker/uki.efi.bundle"), { force: true }), ["SIGNATURE_WRONG worker/uki.efi.bundle"]],
    ["no signature", (d) => rmSync(join(d, "SHA256SUMS.bundle")), ["FILE_MISSING SHA256SUMS.bundle"]],
    ["checksums with a line less", (d) => writeFileSync(join(d, "SHA256SUMS"), readFileSync(envelope("SHA256SUMS"), "utf8").replace(/^.*db\.crt\n/, "")), ["FILE_EXTRA keys/db.crt", "SIGNATURE_WRONG SHA256SUMS.bundle", "SIGNATURE_WRONG SHA256SUMS.sigstore.json"]],
    ["the provenance as release.json", (d) => cpSync(envelope("provenance.json"), join(d, "release.json"), { force: true }), ["SIGNATURE_WRONG release.json", "FILE_CHANGED release.json"]],
  ];
  for (const [name, spoil, codes] of spoilt) {
    const dir = at("spoilt");
    cpSync(good, dir, { recursive: true });
    for (const file of readdirSync(dir, { recursive: true, withFileTypes: true })) if (file.isFile()) chmodSync(join(file.parentPath, file.name), 0o644);
    spoil(dir);
    const { findings } = await verifyRelease(dir, keys.releaseKeys);
    t.same(findings.map((f) => `${f.code} ${f.file}`), codes, name);
    await t.rejects(readWhole(dir, keys.releaseKeys), { code: "RELEASE_DIFFERS" }, `${name}: a build says so`);
    rmSync(dir, { recursive: true });
  }
  const foreign = await openKeys(at("foreign"), "correct horse battery");
  const codes = new Set((await verifyRelease(good, foreign.releaseKeys)).findings.map((f) => f.code));
  t.same([...codes].sort(), ["KEYS_WRONG", "SIGNATURE_WRONG"], "a folder that is only consistent with itself");
});

function append(file: string): void {
  writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from("x")]));
}

t.test("the documents say the same of each file", async (t) => {
  const dir = at(`one/demo/${id}`);
  const sums = parseSums(readFileSync(join(dir, RELEASE_FILES.sums)));
  const files = [...sums.keys()].filter((path) => path !== RELEASE_FILES.provenance);
  const statement = JSON.parse(Buffer.from(JSON.parse(readFileSync(join(dir, RELEASE_FILES.provenance), "utf8")).payload, "base64").toString());
  t.same(statement.subject.map((s: { name: string; digest: object }) => [s.name, s.digest]), files.map((path) => [path, { sha256: sums.get(path) }]));
  const { buildDefinition } = statement.predicate;
  t.match(buildDefinition.externalParameters, { cluster: "demo", generation: 3, roles: [{ name: "worker" }] });
  const stub = tc.lock.packages.find((p) => p.name === tc.lock.stub);
  t.ok(buildDefinition.resolvedDependencies.some((d: { name: string; digest: { sha256: string } }) => d.name === stub?.name && d.digest.sha256 === stub.sha256), "the toolchain is among what it was made of");
});

t.test("the index: what was finished and not noted is noted; what somebody cut off is not made good", async (t) => {
  const out = outFolder("one");
  mkdirSync(join(out.dir, ".making-0123456789abcdef-abc"));
  writeFileSync(join(out.dir, ".making-0123456789abcdef-abc/half"), "x");
  await healOut(out);
  t.same(readdirSync(out.dir).sort(), [id, INDEX_FILE], "what was half made is gone, the whole release is noted");
  const index = await openIndex(out);
  t.match(index.entries, [{ serial: 1, id, generation: 3, previous: "0".repeat(64) }]);
  const text = readFileSync(join(out.dir, INDEX_FILE));
  await healOut(out);
  await appendIndex(out, await readWhole(join(out.dir, id), keys.releaseKeys));
  t.same(readFileSync(join(out.dir, INDEX_FILE)), text, "once is enough");

  const second = "fedcba9876543210";
  await sealAs("one", second, 4);
  await healOut(out);
  t.match((await openIndex(out)).entries, [{ id }, { id: second, serial: 2, previous: index.head }]);
  const whole = readFileSync(join(out.dir, INDEX_FILE), "utf8");
  const [first = "", last = ""] = whole.split("\n");
  const fork = async (serial: number, previous: string) => JSON.stringify(await signer.signDocument("index", canonicalJson({ kind: "kubedos/index", version: 1, cluster: "demo", serial, id: "00".repeat(8), generation: 5, release: "0".repeat(64), sums: "0".repeat(64), previous })));
  const cases: readonly [string, string, string][] = [
    ["nothing of two", "", "INDEX_SHORT"],
    ["the first is gone", `${last}\n`, "INDEX_BROKEN"],
    ["in another order", `${last}\n${first}\n`, "INDEX_BROKEN"],
    ["twice the same", `${first}\n${first}\n`, "INDEX_BROKEN"],
    ["a line without its end", whole.slice(0, -1), "INDEX_BROKEN"],
    ["a byte changed", whole.replace('"payload":"ey', '"payload":"eY'), "INDEX_BROKEN"],
    ["a second that follows the first, too", `${whole}${await fork(3, index.head)}\n`, "INDEX_BROKEN"],
    ["a number left out", `${whole}${await fork(4, (await openIndex(out)).head)}\n`, "INDEX_BROKEN"],
  ];
  for (const [name, spoilt, code] of cases) {
    writeFileSync(join(out.dir, INDEX_FILE), spoilt);
    await t.rejects(healOut(out), { code }, name);
  }
  t.same(await listReleases(out.dir), [id, second], "and no release is touched");
  writeFileSync(join(out.dir, INDEX_FILE), `${first}\n`);
  await healOut(out);
  t.equal(readFileSync(join(out.dir, INDEX_FILE), "utf8"), whole, "a kill between the release's name and its line: the very same line");
});

t.test("a plain signature is for what it is asked for, and for nothing that could be another thing", async (t) => {
  const dir = at(`three/demo/${id}`);
  const file = (name: string) => readFileSync(join(dir, name));
  const strange = utf8(`DSSEv1 ${RELEASE_FILES.release.length} x`);
  for (const kind of ["sums", "envelope", "uki", "sbom"] as const) {
    await t.rejects(signer.signFile(kind, strange), `${kind}: the signed form of an envelope`);
    await t.rejects(signer.signFile(kind, new Uint8Array(32)), `${kind}: a digest`);
  }
  t.ok((await signer.signFile("uki", file("worker/uki.efi"))).length === 64);
  await t.rejects(signer.signFile("uki", readFileSync(at("unsigned.efi"))), { code: "MALFORMED" }, "not signed by db");
  await t.rejects(signer.signFile("sbom", utf8('{"spdxVersion":"SPDX-2.3","name":"kubedos-other-worker"}')), { code: "NOT_OURS" }, "another cluster's");
  await t.rejects(signer.signFile("envelope", readFileSync(join(at("one"), "demo", INDEX_FILE)).subarray(0, 100)), "half an envelope");
});
