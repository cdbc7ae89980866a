import { ByteReader } from "../../proto/wire/reader.ts";
import { WireError } from "../../proto/wire/error.ts";
import type { ByteSource } from "./byte-source.ts";

const MAGIC = 0xfd2fb528;
/** The lowest four bits are the writer's (RFC 8878, 3.1.2). */
const SKIPPABLE = 0x184d2a50;
const BLOCK = { rle: 1, reserved: 3 } as const;

/**
 * A zstd stream's frames, without those to be skipped, so that no chunk holds bytes of two: Node's decoder drops what follows a frame's end in the
 * chunk that it was given, and images in the form "zstd:chunked" are one frame for each file. Only sizes are read here (RFC 8878, 3.1.1).
 * Throws WireError.
 */
export async function* zstdFrames(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let magic = await source.take(4); magic !== undefined; magic = await source.take(4)) {
    const number = new ByteReader(magic).u32le();
    if ((number & 0xfffffff0) >>> 0 === SKIPPABLE) await source.skip(new ByteReader(await more(source, 4)).u32le());
    else if (number === MAGIC) {
      yield magic;
      yield* frame(source);
    } else throw new WireError("BAD_VALUE", `no zstd frame begins with ${number.toString(16)}`);
  }
}

async function* frame(source: ByteSource): AsyncGenerator<Uint8Array> {
  const first = await more(source, 1);
  const descriptor = new ByteReader(first).u8();
  const oneSegment = (descriptor & 0x20) !== 0;
  const contentSize = [oneSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  yield first;
  yield* source.pieces((oneSegment ? 0 : 1) + dictionary + contentSize);
  for (let last = false; !last; ) {
    const header = await more(source, 3);
    const reader = new ByteReader(header);
    const bits = reader.u16le() | (reader.u8() << 16);
    last = (bits & 1) === 1;
    const kind = (bits >> 1) & 3;
    if (kind === BLOCK.reserved) throw new WireError("BAD_VALUE", "a zstd block is of a kind that there isn't");
    yield header;
    yield* source.pieces(kind === BLOCK.rle ? 1 : bits >> 3);
  }
  if ((descriptor & 4) !== 0) yield* source.pieces(4);
}

async function more(source: ByteSource, n: number): Promise<Uint8Array> {
  const found = await source.take(n);
  if (found === undefined) throw new WireError("TRUNCATED", "the stream ends in a zstd frame");
  return found;
}
