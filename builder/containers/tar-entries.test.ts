import { mkdirSync, mkdtempSync, rmSync, symlinkSync, linkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import t from "tap";
import { WireError } from "../../proto/wire/error.ts";
import { ByteSource } from "./byte-source.ts";
import { tarEntries, type TarEntry } from "./tar-entries.ts";
import { makeTar, makeTarEntry, paxRecord, seal } from "./testing/make-tar.ts";

const dir = mkdtempSync(join(tmpdir(), "kubedos-tar-"));
t.teardown(() => rmSync(dir, { recursive: true }));

async function* chunked(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function read(data: Uint8Array, size = 1000, limits = { file: 1000 }): Promise<readonly TarEntry[]> {
  const all: TarEntry[] = [];
  for await (const entry of tarEntries(new ByteSource(chunked(data, size)), () => true, limits)) all.push(entry);
  return all;
}
const text = (entry: TarEntry | undefined): string => new TextDecoder().decode(entry?.data);

t.test("what tar itself writes, in all of its forms", async (t) => {
  const long = "a".repeat(90);
  mkdirSync(join(dir, "in", long, long), { recursive: true });
  writeFileSync(join(dir, "in", long, long, "file"), "deep");
  writeFileSync(join(dir, "in/ümlaut"), "");
  symlinkSync(`${long}/${long}/file`, join(dir, "in/link"));
  linkSync(join(dir, "in/ümlaut"), join(dir, "in/ümlaut-2"));
  for (const format of ["pax", "gnu", "ustar"]) {
    if (format !== "ustar") symlinkSync(`${long}/`.repeat(3), join(dir, "in", `link-${format}`));
    const links = format === "ustar" ? ["--exclude=link-*", "--exclude=link"] : [];
    const { stdout } = await execa("tar", ["--create", `--format=${format}`, "--sort=name", ...links, "--directory", join(dir, "in"), "."], { encoding: "buffer" });
    for (const size of [1, 511, 65_536]) {
      const entries = await read(stdout, size);
      t.match(entries.find((e) => e.path === ""), { kind: "folder" }, `${format} in chunks of ${size}`);
      t.equal(text(entries.find((e) => e.path === `${long}/${long}/file`)), "deep");
      t.match(entries.find((e) => e.path === "ümlaut"), { kind: "file" });
      t.match(entries.find((e) => e.path === "ümlaut-2"), { kind: "hardlink", target: /ümlaut$/ });
      if (format !== "ustar") t.match(entries.find((e) => e.path === `link-${format}`), { kind: "symlink", target: `${long}/`.repeat(3) });
    }
  }
});

t.test("names stay under the root, kinds without data have none, an end ends it", async (t) => {
  const tar = makeTar({ name: "/../a//./b/../c", data: "1" }, { name: "folder/", data: "" }, { name: "fifo", type: "6" }, { name: "strange", type: "Z", data: "skipped" }, { name: "last", data: "2" });
  t.match(await read(Buffer.concat([tar, makeTarEntry({ name: "behind" })])), [{ path: "a/c", kind: "file" }, { path: "folder", kind: "folder" }, { path: "fifo", kind: "other" }, { path: "strange", kind: "other" }, { path: "last" }]);
  t.equal((await read(tar.subarray(0, -1024))).length, 5, "one without an end is read like one");
  t.equal((await read(tar.subarray(0, -512))).length, 5);
  t.same(await read(new Uint8Array()), []);
  const large = makeTarEntry({ name: "large", data: "abc" });
  large.set([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3], 124);
  t.equal(text((await read(seal(large)))[0]), "abc", "a size in binary");
});

t.test("each refusal", async (t) => {
  const good = { name: "file", data: "data" };
  await t.resolves(read(makeTar(good)));
  const spoilt = (change: (entry: Buffer) => void, sealed = true): Buffer => {
    const entry = makeTarEntry(good);
    change(entry);
    return sealed ? seal(entry) : entry;
  };
  const pax = (data: string): Buffer => makeTar({ name: "pax", type: "x", data }, good);
  t.match(await read(pax(paxRecord("path", "other"))), [{ path: "other" }]);
  const cases: readonly (readonly [string, Buffer, string, RegExp])[] = [
    ["a header that isn't sealed", spoilt((e) => e.fill("x", 0, 1), false), "BAD_VALUE", /checksum/],
    ["a size of letters", spoilt((e) => e.write("zzz", 124)), "BAD_VALUE", /octal/],
    ["a size of 2^80", spoilt((e) => e.set([0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 124)), "TOO_LARGE", /2\^53/],
    ["an end in a header", makeTar(good).subarray(0, 500), "TRUNCATED", /early/],
    ["an end in data", spoilt((e) => e.write("00000001001", 124)), "TRUNCATED", /early/],
    ["half an end in the middle", Buffer.concat([Buffer.alloc(512), makeTarEntry(good)]), "BAD_VALUE", /half an end/],
    ["a file over the limit", makeTar({ name: "file", data: "x".repeat(1001) }), "TOO_LARGE", /1001 bytes/],
    ["a long name over the limit", makeTar({ name: "l", type: "L", data: "x".repeat(4097) }, good), "TOO_LARGE", /4097 bytes/],
    ["a pax name over the limit", pax(paxRecord("path", "x".repeat(4097))), "TOO_LARGE", /4097 characters/],
    ["records over the limit", pax("x".repeat(1024 * 1024 + 1)), "TOO_LARGE", /extended header/],
    ["a record without an end", pax("11 path=abc"), "BAD_VALUE", /no record/],
    ["a record longer than its header", pax("99 path=abc\n"), "TRUNCATED", /need/],
    ["a record of no length", pax("0 path=abc\n"), "TRUNCATED", /need/],
    ["a size in words", pax(paxRecord("size", "many")), "BAD_VALUE", /no number/],
    ["a sparse file", makeTar({ name: "file", type: "S" }), "BAD_VALUE", /sparse/],
    ["a sparse file of pax", pax(paxRecord("GNU.sparse.major", "1")), "BAD_VALUE", /sparse/],
  ];
  for (const [name, tar, code, message] of cases) await t.rejects(read(tar), { code, message }, name);
});

t.test("whatever is written over a tar, it is read or refused", async (t) => {
  const tar = makeTar({ name: "pax", type: "x", data: paxRecord("path", "other") }, { name: "file", data: "data" }, { name: "link", type: "2", target: "file" }, { name: "l", type: "L", data: "long" }, { name: "x" });
  const change = fc.record({ at: fc.nat(tar.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }), sealed: fc.boolean(), size: fc.constantFrom(100, 512, 9999) });
  await fc.assert(
    fc.asyncProperty(change, async ({ at, bytes, sealed, size }) => {
      const spoilt = Buffer.from(tar);
      spoilt.set(bytes.subarray(0, tar.length - at), at);
      if (sealed) seal(spoilt.subarray(at - (at % 512), at - (at % 512) + 512));
      await read(spoilt, size).catch((e: unknown) => {
        if (!(e instanceof WireError)) throw e;
      });
    }),
    { numRuns: 500 },
  );
  t.pass("500 of them");
});
