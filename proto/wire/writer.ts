/** Builds bytes in the order they are written. Sizes are the caller's; nothing is validated but integer ranges. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  bytes(data: Uint8Array): this {
    this.#parts.push(data);
    return this;
  }

  u8(v: number): this {
    return this.#int(1, (d) => d.setUint8(0, v));
  }

  u16be(v: number): this {
    return this.#int(2, (d) => d.setUint16(0, v, false));
  }

  u32be(v: number): this {
    return this.#int(4, (d) => d.setUint32(0, v, false));
  }

  u64be(v: bigint): this {
    return this.#int(8, (d) => d.setBigUint64(0, v, false));
  }

  u16le(v: number): this {
    return this.#int(2, (d) => d.setUint16(0, v, true));
  }

  u32le(v: number): this {
    return this.#int(4, (d) => d.setUint32(0, v, true));
  }

  u64le(v: bigint): this {
    return this.#int(8, (d) => d.setBigUint64(0, v, true));
  }

  /** A 16-bit big-endian length, then the data (TPM2B_*). Throws RangeError over 65,535 bytes. */
  sized16be(data: Uint8Array): this {
    if (data.length > 0xffff) throw new RangeError(`${data.length} bytes don't fit a 16-bit length`);
    return this.u16be(data.length).bytes(data);
  }

  /** Everything written so far, as one new array. */
  done(): Uint8Array {
    const out = new Uint8Array(this.#parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #int(size: number, put: (view: DataView) => void): this {
    const part = new Uint8Array(size);
    put(new DataView(part.buffer));
    this.#parts.push(part);
    return this;
  }
}
