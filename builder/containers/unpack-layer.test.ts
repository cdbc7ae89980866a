import { createZstdCompress, gzipSync, zstdCompressSync, constants } from "node:zlib";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import t from "tap";
import { isLayerType, unpackLayer } from "./unpack-layer.ts";

async function* chunked(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}
const unpack = (data: Uint8Array, size = 65_536, max?: number): Promise<Buffer> => buffer(unpackLayer(chunked(data, size), max));

const plain = Buffer.concat([randomBytes(200_000), Buffer.alloc(300_000, "a"), Buffer.from("end")]);
const half = plain.subarray(0, 250_000);
const rest = plain.subarray(250_000);
/** RFC 8878, 3.1.2: frames that carry no data. */
const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from("aside")]);
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

t.test("every form of packing, in chunks of any size", async (t) => {
  const streamed = createZstdCompress();
  streamed.end(plain);
  const forms: Readonly<Record<string, Buffer>> = {
    plain,
    gzip: gzipSync(plain),
    "gzip in members": Buffer.concat([gzipSync(half), gzipSync(rest)]),
    zstd: zstdCompressSync(plain),
    "zstd of unknown size": await buffer(streamed),
    "zstd in frames": Buffer.concat([zstdCompressSync(half, checked), skippable, zstdCompressSync(rest, checked), zstdCompressSync(Buffer.alloc(0)), skippable]),
    "zstd that begins with something else": Buffer.concat([skippable, zstdCompressSync(plain)]),
  };
  for (const [name, packed] of Object.entries(forms)) for (const size of [1021, 65_537, 1 << 20]) t.ok((await unpack(packed, size)).equals(plain), `${name}, ${size}`);
  t.equal((await unpack(new Uint8Array())).length, 0);
});

t.test("each refusal", async (t) => {
  for (const packed of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
    await t.resolves(unpack(packed, 65_536, plain.length));
    await t.rejects(unpack(packed, 65_536, plain.length - 1), { code: "TOO_LARGE" });
  }
  const zstd = zstdCompressSync(plain, checked);
  await t.rejects(unpack(gzipSync(plain).subarray(0, -9)), { code: "Z_BUF_ERROR" });
  await t.rejects(unpack(zstd.subarray(0, -5)), { code: "TRUNCATED" });
  await t.rejects(unpack(zstd.subarray(0, -1)), { code: "TRUNCATED" });
  await t.rejects(unpack(zstd.subarray(0, 4)), { code: "TRUNCATED" });
  await t.rejects(unpack(Buffer.concat([zstd, Buffer.from("garbage")])), { code: "BAD_VALUE", message: /no zstd frame/ });
  await t.rejects(unpack(skippable.subarray(0, -1)), { code: "TRUNCATED" });
  const wrong = Buffer.from(zstd);
  wrong.writeUInt8((wrong.at(-1) ?? 0) ^ 1, wrong.length - 1);
  await t.rejects(unpack(wrong), { code: /ZSTD/ }, "its checksum");
  const reserved = Buffer.from(zstdCompressSync(Buffer.from("abc")));
  const block = reserved.length - 6;
  reserved.writeUInt8((reserved[block] ?? 0) | 6, block);
  await t.rejects(unpack(reserved), { code: "BAD_VALUE", message: /a kind that there isn't/ });
});

t.test("names of layers", (t) => {
  for (const name of ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"]) t.ok(isLayerType(name), name);
  for (const name of ["application/vnd.in-toto+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+encrypted"]) t.notOk(isLayerType(name), name);
  t.end();
});
