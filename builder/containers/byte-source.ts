import { WireError } from "../../proto/wire/error.ts";

/** Reads a stream in steps of known size. It holds one chunk of the stream at a time. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** What comes next, at most `n` bytes, without a copy; undefined at the end. */
  async some(n: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
    }
    const found = this.#chunk.subarray(0, n);
    this.#chunk = this.#chunk.subarray(found.length);
    return found;
  }

  /** The next `n` bytes, which the caller has bounded. Undefined if the stream is over; throws WireError `TRUNCATED` if it ends among them. */
  async take(n: number): Promise<Uint8Array | undefined> {
    const first = await this.some(n);
    if (first === undefined || first.length === n) return first;
    const all = new Uint8Array(n);
    all.set(first);
    let at = first.length;
    for await (const piece of this.pieces(n - at)) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  /** The next `n` bytes, however many, as they come. Throws WireError `TRUNCATED`. */
  async *pieces(n: number): AsyncGenerator<Uint8Array> {
    for (let left = n; left > 0; ) {
      const piece = await this.some(left);
      if (piece === undefined) throw new WireError("TRUNCATED", `the stream ends ${left} bytes early`);
      left -= piece.length;
      yield piece;
    }
  }

  /** Passes over `n` bytes. Throws WireError `TRUNCATED`. */
  async skip(n: number): Promise<void> {
    for (let left = n; left > 0; ) {
      const piece = await this.some(left);
      if (piece === undefined) throw new WireError("TRUNCATED", `the stream ends ${left} bytes early`);
      left -= piece.length;
    }
  }

  /** Everything that is left. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (let piece = await this.some(Infinity); piece !== undefined; piece = await this.some(Infinity)) yield piece;
  }
}
