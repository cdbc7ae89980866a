import { ByteReader } from "../../../proto/wire/reader.ts";
import { ByteWriter } from "../../../proto/wire/writer.ts";
import { canonicalJson } from "../../../proto/wire/json.ts";
import { SignerError } from "../error.ts";

/** Largest JSON of a frame, and largest body: a UKI with its kernel and initrd has some tens of MB. */
export const MAX_JSON_BYTES = 64 * 1024;
/** See {@link MAX_JSON_BYTES}. */
export const MAX_BODY_BYTES = 512 * 1024 * 1024;
const HEADER_BYTES = 8;

/** One message between a build and its signer: JSON, and the bytes that it is about. */
export interface Frame {
  readonly json: Uint8Array;
  readonly body: Uint8Array;
}

/** Lengths of JSON and body as u32 big-endian, JSON, body. */
export function encodeFrame(value: unknown, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = canonicalJson(value);
  if (json.length > MAX_JSON_BYTES || body.length > MAX_BODY_BYTES) throw new SignerError("BAD_FRAME", `a message of ${json.length} and ${body.length} bytes is too large`);
  return new ByteWriter().u32be(json.length).u32be(body.length).bytes(json).bytes(body).done();
}

/** The frames of a stream, one by one, to its end. Throws SignerError `BAD_FRAME` before it keeps more than a frame may have, and at half a frame. */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let wanted = HEADER_BYTES;
  for await (const chunk of stream) {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= wanted) {
      const all = Buffer.concat(chunks);
      const lengths = readLengths(all);
      wanted = HEADER_BYTES + lengths.json + lengths.body;
      if (held < wanted) {
        chunks = [all];
        break;
      }
      const r = new ByteReader(new Uint8Array(all.buffer, all.byteOffset, wanted));
      r.bytes(HEADER_BYTES);
      yield { json: r.bytes(lengths.json), body: r.bytes(lengths.body) };
      chunks = [all.subarray(wanted)];
      held -= wanted;
      wanted = HEADER_BYTES;
    }
  }
  if (held > 0) throw new SignerError("BAD_FRAME", "the stream ended in the middle of a message");
}

function readLengths(data: Uint8Array): { readonly json: number; readonly body: number } {
  const r = new ByteReader(data);
  const [json, body] = [r.u32be(), r.u32be()];
  if (json > MAX_JSON_BYTES || body > MAX_BODY_BYTES) throw new SignerError("BAD_FRAME", `a message of ${json} and ${body} bytes is too large`);
  return { json, body };
}
