import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import t from "tap";
import { makeImage } from "../../builder/build.ts";
import { initKeys } from "../../builder/keys/init-keys.ts";
import { type OpenKeys, openKeys } from "../../builder/keys/open-keys.ts";
import { readCpio } from "../../builder/initrd/read-cpio.ts";
import { parsePe, type PeImage } from "../../builder/pe/parse.ts";
import { planRelease, validate } from "../../builder/release/plan-release.ts";
import { type MeasuredImage, sealRelease } from "../../builder/release/seal-release.ts";
import { makeBill } from "../../builder/sbom/make-bill.ts";
import { makeFileSigner } from "../../builder/sign/signer.ts";
import { defaultCacheDir } from "../../builder/toolchain/ensure-toolchain.ts";
import { runTool } from "../../builder/toolchain/run-tool.ts";
import { readRoles } from "../../builder/roles/read-roles.ts";
import { parseClusterSpec } from "../../proto/spec/parse.ts";
import { diffFiles, type Explained, unexplained } from "./diff-ranges.ts";
import { findSecrets } from "./find-secrets.ts";

t.setTimeout(15 * 60_000);

const PASSPHRASE = "correct horse battery staple";
const EPOCH = 1_767_225_600;
const MIB = 2 ** 20;
const SECTOR = 512;
const root = mkdtempSync(join(tmpdir(), "kubedos-two-keys-"));
t.teardown(() => rmSync(root, { recursive: true }));
const spec = parseClusterSpec(readFileSync(new URL("../../examples/demo.yaml", import.meta.url), "utf8"), "demo.yaml");
const report = (line: string): void => void t.comment(line);

/** A cluster of its own keys. Certificates are of one length, so that everything behind them stands in the same place. */
async function makeKeys(name: string, lengths?: readonly number[]): Promise<{ dir: string; keys: OpenKeys }> {
  for (;;) {
    const dir = join(root, name, "keys");
    await initKeys({ dir, cluster: "demo", passphrase: PASSPHRASE, now: new Date("2026-06-01T00:00:00Z") });
    const keys = await openKeys(dir, PASSPHRASE);
    if (lengths === undefined || lengthsOf(keys).join() === lengths.join()) return { dir, keys };
    rmSync(dir, { recursive: true });
  }
}

function lengthsOf(keys: OpenKeys): readonly number[] {
  return [keys.root, keys.db].map((der) => der.length);
}

/** One role's image, through all stages, and its disk as the machine sees it. */
async function build(name: string, { dir: keysDir, keys }: { dir: string; keys: OpenKeys }) {
  const signer = makeFileSigner(keys);
  const request = { spec, roles: await readRoles(), keys, cacheDir: defaultCacheDir, generation: 1, epoch: EPOCH, report };
  const plan = await planRelease(request, validate(request));
  const inputs = plan.images.find((image) => image.role.name === "worker");
  if (inputs === undefined) throw new Error("the demo has no worker");
  const image = await makeImage(plan.tc, inputs, plan.id, { ...request, signer });
  // Nobody will ever want an image with these keys again.
  t.teardown(() => rmSync(join(defaultCacheDir, `image-${image.assembled.key}`), { recursive: true }));
  const dir = join(root, name, "out/demo", plan.id);
  await sealRelease(signer, { cluster: "demo", id: plan.id, generation: 1, epoch: EPOCH, images: [image], plan: { ...plan, images: [inputs], lock: plan.tc.lock }, keys, keysDir, dir });
  const raw = join(root, name, "disk.raw");
  await runTool(plan.tc, ["qemu-img", "convert", "-O", "raw", join(dir, "worker/disk.qcow2"), raw], { binds: [join(root, name)] });
  return { tc: plan.tc, inputs, image, dir, raw, keys, keysDir };
}

const first = await makeKeys("a");
const a = await build("a", first);
const b = await build("b", await makeKeys("b", lengthsOf(first.keys)));
const parts = (path: string, list: readonly (readonly [number, number, string])[]): readonly Explained[] => list.map(([start, length, why]) => ({ start, end: start + length, why: `${path}: ${why}` }));

t.test("the root file systems differ by the image's id and the cluster's public keys", async (t) => {
  const config = Buffer.from(a.inputs.config);
  const at = (await offsetOf(a.image.assembled.root, config)) ?? t.fail("image.json is in one piece");
  const value = (key: string): readonly [number, number, string] => {
    const from = JSON.stringify((JSON.parse(config.toString()) as Record<string, unknown>)[key]);
    return [Number(at) + config.indexOf(from), from.length, key];
  };
  // Superblock at 1024 (Linux fs/erofs/erofs_fs.h): checksum at 4, UUID at 48.
  const may = parts("root.erofs", [[1024 + 4, 4, "the superblock's checksum"], [1024 + 48, 16, "the UUID, derived from the image's inputs"], value("policyKey"), value("releaseKeys"), value("rootCa")]);
  const found = await diffFiles(a.image.assembled.root, b.image.assembled.root);
  t.ok(found.length > 3, "they do differ");
  t.same(unexplained(found, may), []);
});

t.test("the hash trees are functions of the root file systems, a public salt and a UUID", async (t) => {
  for (const side of [a, b]) {
    const { rootHash, root, verity } = side.image.assembled;
    await runTool(side.tc, ["veritysetup", "verify", root, verity, rootHash], { readBinds: [root, verity] });
  }
  t.not(a.image.assembled.rootHash, b.image.assembled.rootHash);
});

t.test("the UKIs differ by the root hash, the salt, and the signature by db", async (t) => {
  const [one, two] = [parsePe(a.image.signedUki), parsePe(b.image.signedUki)];
  t.same(one.sections.map((s) => s.name), two.sections.map((s) => s.name));
  const hidden = (image: MeasuredImage, data: Uint8Array, salt: string) => Buffer.from(data).toString("latin1").replaceAll(image.assembled.rootHash, "ROOT HASH").replaceAll(salt, "SALT");
  for (const [i, section] of one.sections.entries()) {
    const other = two.sections[i]?.data ?? new Uint8Array();
    if (section.name === ".pcrpkey") t.match([a, b].map((side) => side.inputs.policyKey), [section.data, other].map((data) => Uint8Array.from(data)), "the public key for PCR policies");
    else if (section.name === ".pcrsig") t.same(...([section.data, other].map((data) => shapeOf(data)) as [string, string]), "key's digest, policy and signature");
    else if (section.name !== ".initrd") t.equal(hidden(a.image, section.data, "-"), hidden(b.image, other, "-"), section.name);
    else t.same(initrd(a.image, section.data), initrd(b.image, other), section.name);
  }
  t.same(header(one), header(two), "headers, but for checksum, sizes of the initrd and of the signature");
  for (const [side, image] of [[a, one], [b, two]] as const) {
    const { offset, size } = image.certificates;
    const table = Buffer.from(side.image.signedUki.subarray(offset, offset + size));
    t.ok(table.includes(Buffer.from(side.keys.db)) && size < side.keys.db.length + 1024, "the certificate of db, and no place for more than names, digests and one signature");
  }

  /** The approvals without their values, each of which has a fixed length. */
  function shapeOf(data: Uint8Array): string {
    return Buffer.from(data).toString().replaceAll(/"(pkfp|pol)":"[0-9a-f]{64}"/g, '"$1":""').replaceAll(/"sig":"[A-Za-z0-9+/]{342}=="/g, '"sig":""');
  }

  function initrd(image: MeasuredImage, data: Uint8Array) {
    const files = readCpio(zstdDecompressSync(data));
    const salt = Buffer.from(files.find((f) => f.path === "verity")?.data ?? []).toString().split(" ")[1] ?? "none";
    return files.map((f) => [f.path, f.mode, hidden(image, f.data, salt)]);
  }
});

/** The headers with what follows from the sections' and the signature's bytes taken out. */
function header(image: PeImage): string {
  const bytes = Buffer.from(image.file.subarray(0, image.sizeOfHeaders));
  bytes.fill(0, image.checksumOffset, image.checksumOffset + 4);
  bytes.fill(0, image.securityEntryOffset, image.securityEntryOffset + 8);
  // SizeOfInitializedData, SizeOfImage; sizes of the initrd, and where the approvals of PCR 11 stand behind it.
  bytes.fill(0, image.optionalOffset + 8, image.optionalOffset + 12);
  bytes.fill(0, image.optionalOffset + 56, image.optionalOffset + 60);
  const last = image.sectionTableOffset + (image.sections.length - 2) * 40;
  for (const at of [last, last + 40]) bytes.fill(0, at + 8, at + 24);
  return bytes.toString("hex");
}

t.test("the disks hold just these, and differ elsewhere by identifiers that derive from the root hash", async (t) => {
  const disk = await open(a.raw);
  const table = Buffer.alloc(34 * SECTOR);
  await disk.read(table, 0, table.length, 0);
  const { size } = await disk.stat();
  await disk.close();
  const [esp, rootPart, verity] = [0, 1, 2].map((i) => {
    const entry = 2 * SECTOR + i * 128;
    return { start: Number(table.readBigUInt64LE(entry + 32)) * SECTOR, end: (Number(table.readBigUInt64LE(entry + 40)) + 1) * SECTOR };
  });
  if (esp === undefined || rootPart === undefined || verity === undefined) throw new Error("three partitions");
  const uki = await offsetOf(a.raw, Buffer.from(a.image.signedUki));
  if (uki === undefined) throw new Error("the UKI is in one piece");
  t.ok(await holdsFile(a.raw, verity.start, a.image.assembled.verity), "the hash tree");
  t.ok(await holdsFile(a.raw, rootPart.start, a.image.assembled.root), "the root file system");
  const may = parts("disk", [
    [0, 34 * SECTOR, "GUIDs of disk and partitions, and their checksums"],
    [size - 33 * SECTOR, 33 * SECTOR, "the same once more"],
    // FAT32: BS_VolID at 67 of the boot sector and of its copy in sector 6.
    [esp.start + 67, 4, "the ESP's volume id"],
    [esp.start + 6 * SECTOR + 67, 4, "and its copy"],
    [uki, Math.ceil(Math.max(a.image.signedUki.length, b.image.signedUki.length) / MIB) * MIB, "the UKI"],
    ...fatParts(esp.start, uki),
    [rootPart.start, rootPart.end - rootPart.start, "the root file system"],
    [verity.start, verity.end - verity.start, "the hash tree"],
  ]);
  t.same(unexplained(await diffFiles(a.raw, b.raw), may), []);

  /** Where the UKIs are of one length, nothing in the ESP's tables differs. */
  function fatParts(start: number, at: number): readonly (readonly [number, number, string])[] {
    if (a.image.signedUki.length === b.image.signedUki.length) return [];
    // FSInfo in sector 1 and its copy: FSI_Free_Count and FSI_Nxt_Free at 488.
    const counts = [1, 7].map((sector) => [start + sector * SECTOR + 488, 8, "how many clusters the UKI leaves free"] as const);
    return [...counts, [start + 32 * SECTOR, at - start - 32 * SECTOR, "the UKI's size in tables and folders"]];
  }
});

t.test("no private key, passphrase or default password is in anything that came out", async (t) => {
  for (const side of [a, b]) {
    const needles = secretsOf(side.keysDir);
    t.ok(needles.length > 20);
    const files = readdirSync(side.dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile() && !e.name.endsWith(".qcow2"));
    for (const path of [...files.map((e) => join(e.parentPath, e.name)), side.raw]) t.same(await scan(path, needles), [], path.slice(root.length));
    t.same(await scan(join(side.keysDir, "release.key"), [], true), ["a PEM private key at 0"], "the search finds the key where it is");
  }
});

/** Each secret number of each key as bytes, hex and base64, and the passphrase. */
function secretsOf(keysDir: string): readonly Buffer[] {
  const keys = readdirSync(keysDir).filter((name) => name.endsWith(".key"));
  const numbers = keys.flatMap((name) => {
    const { d, p, q } = createPrivateKey({ key: readFileSync(join(keysDir, name)), passphrase: PASSPHRASE }).export({ format: "jwk" }) as Record<string, string>;
    return [d, p, q].filter((n) => n !== undefined).map((n) => Buffer.from(n, "base64url"));
  });
  return [Buffer.from(PASSPHRASE), ...numbers.flatMap((n) => [n, Buffer.from(n.toString("hex")), Buffer.from(n.toString("base64url").slice(0, 40)), Buffer.from(n.toString("base64").slice(0, 40))])];
}

async function scan(path: string, needles: readonly Buffer[], withSecrets = true): Promise<readonly string[]> {
  const found = new Set<string>();
  for await (const window of windows(path)) {
    for (const needle of needles) if (window.includes(needle)) found.add("a secret number or the passphrase");
    if (withSecrets) for (const secret of findSecrets(window)) found.add(secret);
  }
  return [...found];
}

/** A file in pieces that overlap, so that nothing is missed between two. */
async function* windows(path: string): AsyncGenerator<Buffer> {
  const [step, overlap] = [32 * MIB, 8192];
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(step + overlap);
    for (let at = 0; at === 0 || at < size; at += step) yield buffer.subarray(0, (await file.read(buffer, 0, buffer.length, at)).bytesRead);
  } finally {
    await file.close();
  }
}

async function offsetOf(path: string, data: Buffer): Promise<number | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(32 * MIB + data.length);
    for (let at = 0; at < size; at += 32 * MIB) {
      const found = buffer.subarray(0, (await file.read(buffer, 0, buffer.length, at)).bytesRead).indexOf(data);
      if (found >= 0) return at + found;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/** Whether the disk has exactly this file at this offset. */
async function holdsFile(disk: string, start: number, path: string): Promise<boolean> {
  const [whole, part] = [await open(disk), await open(path)];
  try {
    const [one, two] = [Buffer.alloc(MIB), Buffer.alloc(MIB)];
    for (let at = 0; ; at += MIB) {
      const { bytesRead } = await part.read(two, 0, MIB, at);
      if (bytesRead === 0) return true;
      await whole.read(one, 0, bytesRead, start + at);
      if (!one.subarray(0, bytesRead).equals(two.subarray(0, bytesRead))) return false;
    }
  } finally {
    await whole.close();
    await part.close();
  }
}

t.test("the real image is explained by its own inputs alone", async (t) => {
  const { assembled, signedUki, sbom } = a.image;
  const request = { inputs: a.inputs, root: assembled.root, rootHash: assembled.rootHash, signedUki, cacheDir: defaultCacheDir, report };
  const stranger = { ...a.inputs, programs: [] };
  await t.rejects(makeBill(a.tc, { ...request, inputs: stranger }), { code: "FILE_UNEXPLAINED", message: /^\/usr\/bin\/kubedos-agent comes from no package/ });
  await t.rejects(makeBill(a.tc, { ...request, inputs: b.inputs }), { code: "FILE_DIFFERS", message: /^\/etc\/kubedos\/image\.json is not what/ });
  const spdx = JSON.parse(Buffer.from(sbom.spdx).toString()) as { packages: { name: string; SPDXID: string; checksums?: { checksumValue: string }[] }[]; files: { fileName: string; checksums: { algorithm: string; checksumValue: string }[] }[] };
  const debs = spdx.packages.filter((p) => p.SPDXID.startsWith("SPDXRef-Deb-"));
  const locked = a.tc.lock.packages.filter((p) => p.in.some((set) => ["base", "role/worker"].includes(set)));
  t.same(debs.map((p) => [p.name, p.checksums?.[0]?.checksumValue]), locked.map((p) => [p.name, p.sha256]), "every package with the lock's digest");
  for (const name of ["./usr/lib/kubedos/kubedos-agent", "./etc/kubedos/image.json", "./uki.efi/.linux", "./uki.efi/.initrd/init", "./uki.efi/stub"]) t.ok(spdx.files.some((f) => f.fileName === name), name);
  t.ok(spdx.packages.some((p) => p.name === "@oven/bun-linux-x64" && p.checksums?.[0]?.checksumValue.length === 128), "the runtime in our programs");
});
