import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { execa } from "execa";
import t from "tap";
import { defaultCacheDir, ensureToolchain } from "../toolchain/ensure-toolchain.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { type ImageContents, readImageContents } from "./image-contents.ts";
import { makeTar, makeTarEntry, type TestEntry } from "./testing/make-tar.ts";
import { smallImage, type SmallImage } from "./testing/small-image.ts";

const layer = (...entries: readonly TestEntry[]): Uint8Array => gzipSync(makeTar(...entries));
const deb = (name: string, version: string, more = ""): string => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nDescription: some words\n of several lines\n${more}\n`;
const apk = (name: string, version: string, checksum = "C:Q1AAECAwQFBgcICQoLDA0ODxAREhM=\n"): string => `${checksum}P:${name}\nV:${version}\nA:x86_64\nL:MIT\no:${name}-src\nF:usr/bin\nR:${name}\nZ:Q1AAECAwQFBgcICQoLDA0ODxAREhM=\n\n`;
const STATUS = "var/lib/dpkg/status";
const APK = "lib/apk/db/installed";

async function* one(data: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (data === undefined) throw new Error("no such blob");
  yield data;
}
const read = ({ sha256, blobs }: SmallImage): Promise<ImageContents> => readImageContents("registry.test/app:1", sha256, (digest) => one(blobs.get(digest)));
const names = async (...layers: readonly Uint8Array[]): Promise<readonly string[]> => (await read(smallImage(layers))).packages.map((p) => `${p.name} ${p.version}`);

t.test("dpkg's status, distroless's folder, apk's database", async (t) => {
  const debian = await read(smallImage([layer({ name: "etc/os-release", type: "2", target: "../usr/lib/os-release" }, { name: "usr/lib/os-release", data: 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n' }, { name: `./${STATUS}`, data: deb("libc6", "2.36-9", "Source: glibc (2.36)\n") + deb("adduser", "3.134") + deb("gone", "1").replace("install ok installed", "deinstall ok config-files") })]));
  t.match(debian, { created: 1714979289, os: { id: "debian", version: "12" }, unread: [], layers: [{ digest: /^sha256:/ }] });
  t.same(debian.packages, [
    { kind: "deb", name: "adduser", version: "3.134", architecture: "amd64", source: "adduser 3.134", license: "", checksum: undefined },
    { kind: "deb", name: "libc6", version: "2.36-9", architecture: "amd64", source: "glibc 2.36", license: "", checksum: undefined },
  ]);
  const distroless = layer({ name: `${STATUS}.d/base`, data: deb("base-files", "12").replace(/Status.*\n/, "") }, { name: `${STATUS}.d/base.md5sums`, data: "0123  usr/x\n" }, { name: `${STATUS}.d/tzdata`, data: deb("tzdata", "2024a") });
  t.same(await names(distroless), ["base-files 12", "tzdata 2024a"]);
  const alpine = await read(smallImage([zstdCompressSync(makeTar({ name: APK, data: apk("busybox", "1.36.1-r29") + apk(".deps", "20240101", "") + apk("new", "1-r0", `C:Q2${Buffer.alloc(32, 7).toString("base64")}\n`) }, { name: "etc/os-release", data: "ID=alpine\nVERSION_ID=3.20.1\n" }))]));
  t.same(alpine.packages, [
    { kind: "apk", name: ".deps", version: "20240101", architecture: "x86_64", source: ".deps-src", license: "MIT", checksum: undefined },
    { kind: "apk", name: "busybox", version: "1.36.1-r29", architecture: "x86_64", source: "busybox-src", license: "MIT", checksum: { algorithm: "SHA1", hex: "000102030405060708090a0b0c0d0e0f10111213" } },
    { kind: "apk", name: "new", version: "1-r0", architecture: "x86_64", source: "new-src", license: "MIT", checksum: { algorithm: "SHA256", hex: "07".repeat(32) } },
  ]);
  t.match(await read(smallImage([layer({ name: "pause", data: "binary" })], { created: "never" })), { packages: [], unread: [], created: 0, os: { id: "", version: "" } });
});

t.test("the last layer wins, and may take away", async (t) => {
  const base = layer({ name: STATUS, data: deb("one", "1") }, { name: `${STATUS}.d/two`, data: deb("two", "1") });
  t.same(await names(base, layer({ name: STATUS, data: deb("one", "2") })), ["one 2", "two 1"]);
  t.same(await names(base, layer({ name: "var/lib/dpkg/.wh.status" })), ["two 1"]);
  t.same(await names(base, layer({ name: "var/lib/.wh.dpkg" })), []);
  t.same(await names(base, layer({ name: ".wh.var" })), []);
  t.same(await names(base, layer({ name: "var/lib/dpkg/.wh.stat" }, { name: ".wh.other" }, { name: ".wh..wh.plnk" })), ["one 1", "two 1"], "others' names");
  t.same(await names(base, layer({ name: `${STATUS}.d/three`, data: deb("three", "1") }, { name: "var/lib/dpkg/.wh..wh..opq" })), ["three 1"], "opaque for what is below, not for its own");
  t.same(await names(base, layer({ name: ".wh..wh..opq" })), []);
  t.same(await names(base, layer({ name: `${STATUS}.d/.wh.two` }, { name: `${STATUS}.d/two`, data: deb("two", "2") })), ["one 1", "two 2"]);
  t.same(await names(base, layer({ name: "var/lib/dpkg", data: "a file in its place" })), []);
  t.same(await names(base, layer({ name: "var/lib/dpkg", type: "2", target: "/nowhere" }), layer({ name: "var/lib/dpkg/", type: "5" }, { name: STATUS, data: deb("new", "1") })), ["new 1"]);
});

t.test("links", async (t) => {
  const moved = layer({ name: "lib", type: "2", target: "usr/lib" }, { name: `usr/${APK}`, data: apk("a", "1") });
  t.same(await names(moved), ["a 1"]);
  t.same(await names(moved, layer({ name: APK, data: apk("b", "1") })), ["b 1"], "what is laid over a link lies where it leads");
  t.same(await names(moved, layer({ name: "lib/apk/db/.wh.installed" })), []);
  t.match(await read(smallImage([moved])), { unread: [] });
  const away = await read(smallImage([layer({ name: "var", type: "2", target: "/data/var" }, { name: `data/${STATUS}`, data: deb("hidden", "1") })]));
  t.match(away, { packages: [], unread: ["/var/lib/dpkg/status is a link to /data/var/lib/dpkg/status", "/var/lib/dpkg/status.d is a link to /data/var/lib/dpkg/status.d"] });
  t.match(await read(smallImage([layer({ name: "etc/copy", data: deb("x", "1") }, { name: STATUS, type: "1", target: "etc/copy" })])), { packages: [], unread: [/status is a link to \/etc\/copy/] });
  t.match(await read(smallImage([layer({ name: "var", type: "2", target: "var" }, { name: STATUS, data: deb("round", "1") })])), { unread: [] }, "round and round");
  t.match(await read(smallImage([layer({ name: "var/lib/rpm/rpmdb.sqlite", data: "SQLite format 3" })])), { packages: [], unread: ["/var/lib/rpm/rpmdb.sqlite is a database of RPM"] });
});

t.test("each refusal", async (t) => {
  const good = layer({ name: STATUS, data: deb("one", "1") }, { name: APK, data: apk("two", "1") });
  await t.resolves(read(smallImage([good])));
  const refused = async (name: string, image: SmallImage, code: string, message: RegExp): Promise<void> => void (await t.rejects(read(image), { code, message }, name));
  await refused("cut off", smallImage([good.subarray(0, -12)]), "IMAGE_UNREADABLE", /^registry\.test\/app:1: layer sha256:[0-9a-f]{64}: /);
  await refused("not packed", smallImage([Buffer.from("no tar, and not as long as one")]), "IMAGE_UNREADABLE", /early/);
  await refused("broken zstd", smallImage([zstdCompressSync(Buffer.from("x")).fill(0xff, 5)]), "IMAGE_UNREADABLE", /layer/);
  await refused("no tar", smallImage([good], { mediaType: "application/vnd.in-toto+json" }), "IMAGE_UNREADABLE", /is no tar but/);
  await refused("no name taken away", smallImage([layer({ name: "etc/.wh." })]), "IMAGE_UNREADABLE", /takes away no name/);
  await refused("the folder above taken away", smallImage([layer({ name: "etc/.wh..." })]), "IMAGE_UNREADABLE", /takes away no name/);
  await refused("a config of another form", smallImage([good], { created: 5 as unknown as string }), "IMAGE_UNREADABLE", /its config/);
  const manifest = smallImage([good]);
  await refused("no manifest", { ...manifest, blobs: new Map([[manifest.sha256, Buffer.from("{}")]]) }, "IMAGE_UNREADABLE", /its manifest/);
  await refused("a manifest over the limit", { ...manifest, blobs: new Map([[manifest.sha256, Buffer.alloc(4 * 1024 * 1024 + 1)]]) }, "IMAGE_TOO_LARGE", /its manifest/);
  await refused("a database over the limit", smallImage([layer({ name: STATUS, data: Buffer.alloc(64 * 1024 * 1024 + 1) })]), "IMAGE_TOO_LARGE", /67108865 bytes/);
  await refused("too many databases", smallImage([Buffer.concat(Array.from({ length: 65_537 }, (_, i) => makeTarEntry({ name: `${STATUS}.d/${i}` })))]), "IMAGE_TOO_LARGE", /65536 files/);
  const database = (name: string, path: string, data: string, message: RegExp): Promise<void> => refused(name, smallImage([layer({ name: path, data })]), "PACKAGES_UNREADABLE", message);
  await database("words", STATUS, "hello\n", /\/var\/lib\/dpkg\/status is no database of dpkg/);
  await database("no version", STATUS, deb("one", "1").replace(/Version.*\n/, ""), /without name, version or architecture: "one {2}amd64"/);
  await database("a name with a slash", STATUS, deb("one/two", "1"), /without name/);
  await database("no architecture", `${STATUS}.d/one`, deb("one", "1").replace(/Arch.*\n/, ""), /status\.d\/one has a package/);
  await database("apk words", APK, "hello\n", /without name or version/);
  await database("apk without version", APK, apk("one", "1").replace(/V:.*\n/, ""), /without name or version/);
  await database("another checksum", APK, apk("one", "1", "C:Q3AAAA\n"), /one has a checksum that is none/);
  await database("half a checksum", APK, apk("one", "1", "C:Q1AAAA\n"), /one has a checksum that is none/);
  await database("no base64", APK, apk("one", "1", "C:Q1????\n"), /one has a checksum that is none/);
});

t.test("a real tree of Debian's, as its own dpkg sees it", async (t) => {
  const tc = await ensureToolchain(defaultCacheDir, (line) => t.comment(line));
  const { stdout } = await execa("tar", ["--create", "--directory", tc.tree, "./var/lib/dpkg", "./etc/os-release", "./usr/lib/os-release"], { encoding: "buffer", maxBuffer: 1 << 30 });
  const { packages, os, unread } = await read(smallImage([gzipSync(stdout, { level: 1 })]));
  const said = await runTool(tc, ["dpkg-query", "--admindir", join(tc.tree, "var/lib/dpkg"), "--show", "--showformat", "${Package} ${Version} ${Architecture}\n"], { readBinds: [tc.tree] });
  t.same(packages.map((p) => `${p.name} ${p.version} ${p.architecture}`).sort(), said.stdout.trim().split("\n").sort());
  t.match({ os, unread }, { os: { id: "debian" }, unread: [] });
});
