import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { WireError } from "../../proto/wire/error.ts";
import { ByteReader } from "../../proto/wire/reader.ts";
import { ByteSource } from "./byte-source.ts";
import { MAX_BLOB_BYTES } from "./manifest.ts";
import { zstdFrames } from "./zstd-frames.ts";

/** OCI's and Docker's names for layers (image-spec "layer.md"); what it is packed with is seen in its bytes, as container runtimes do it. */
const LAYER = /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(foreign\.)?diff\.tar)([+.](gzip|zstd))?$/;
const GZIP = 0x8b1f;
const ZSTD = 0xb528;
const SKIPPABLE = 0x2a50;

/** Whether a layer of this media type is a tar that nodes unpack. */
export function isLayerType(mediaType: string): boolean {
  return LAYER.test(mediaType);
}

/** A layer's bytes → those of its tar. Throws WireError `TOO_LARGE` over `max` of them, other WireErrors, and zlib's errors. */
export async function* unpackLayer(chunks: AsyncIterable<Uint8Array>, max: number = MAX_BLOB_BYTES): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of unpacked(new ByteSource(chunks))) {
    total += chunk.length;
    if (total > max) throw new WireError("TOO_LARGE", `it unpacks to more than ${max} bytes`);
    yield chunk;
  }
}

async function* unpacked(source: ByteSource): AsyncGenerator<Uint8Array> {
  const begin = await source.take(2);
  if (begin === undefined) return;
  const magic = new ByteReader(begin).u16le();
  const whole = new ByteSource(joined(begin, source));
  if (magic === GZIP) yield* through(whole.rest(), createGunzip());
  else if (magic === ZSTD || (magic & 0xfff0) === SKIPPABLE) yield* through(zstdFrames(whole), createZstdDecompress());
  else yield* whole.rest();
}

/** Errors of the input come out where the output is read; whoever stops reading stops the input too. */
async function* through(input: AsyncGenerator<Uint8Array>, decoder: NodeJS.ReadWriteStream & { destroy(e?: Error): void }): AsyncGenerator<Uint8Array> {
  const from = Readable.from(input, { objectMode: true, highWaterMark: 1 });
  from.once("error", (e) => decoder.destroy(e));
  try {
    for await (const chunk of from.pipe(decoder)) yield chunk as unknown as Uint8Array;
  } finally {
    from.destroy();
    decoder.destroy();
  }
}

async function* joined(begin: Uint8Array, source: ByteSource): AsyncGenerator<Uint8Array> {
  yield begin;
  yield* source.rest();
}
