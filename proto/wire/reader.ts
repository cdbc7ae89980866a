import { WireError } from "./error.ts";

/**
 * The one door through which foreign bytes are read. Every read checks its bounds before it moves; nothing is copied.
 * Throws {@link WireError} `TRUNCATED`, `TRAILING_BYTES` or `TOO_LARGE`.
 */
export class ByteReader {
  readonly #buf: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(buf: Uint8Array) {
    this.#buf = buf;
    this.#view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#buf.length - this.#at;
  }

  /** Offset of the next byte, for error messages and for slicing what was just read. */
  get offset(): number {
    return this.#at;
  }

  /** The next `n` bytes, as a view on the input. */
  bytes(n: number): Uint8Array {
    const at = this.#take(n);
    return this.#buf.subarray(at, at + n);
  }

  /** Bytes already read, from `start` to the current offset, as a view on the input. */
  since(start: number): Uint8Array {
    if (!Number.isSafeInteger(start) || start < 0 || start > this.#at) {
      throw new WireError("BAD_VALUE", `offset ${start} is outside of what was read`);
    }
    return this.#buf.subarray(start, this.#at);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** Big-endian, the TPM's order (TPM 2.0 Part 1, "Canonicalization"). */
  u16be(): number {
    return this.#view.getUint16(this.#take(2), false);
  }

  u32be(): number {
    return this.#view.getUint32(this.#take(4), false);
  }

  u64be(): bigint {
    return this.#view.getBigUint64(this.#take(8), false);
  }

  /** Little-endian, the order of UEFI and of the TCG event log. */
  u16le(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32le(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64le(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A 16-bit big-endian length, then that many bytes, at most `max` (TPM2B_*). */
  sized16be(max: number): Uint8Array {
    const n = this.u16be();
    if (n > max) throw new WireError("TOO_LARGE", `field of ${n} bytes, at most ${max} are allowed`);
    return this.bytes(n);
  }

  /** A 32-bit little-endian length, then that many bytes, at most `max` (TCG event data). */
  sized32le(max: number): Uint8Array {
    const n = this.u32le();
    if (n > max) throw new WireError("TOO_LARGE", `field of ${n} bytes, at most ${max} are allowed`);
    return this.bytes(n);
  }

  /** Refuses leftovers: call it when the structure should be over. */
  end(): void {
    if (this.left !== 0) throw new WireError("TRAILING_BYTES", `${this.left} bytes after the end of the structure`);
  }

  #take(n: number): number {
    if (!Number.isSafeInteger(n) || n < 0 || n > this.left) {
      throw new WireError("TRUNCATED", `need ${n} bytes at offset ${this.#at}, ${this.left} left`);
    }
    const at = this.#at;
    this.#at += n;
    return at;
  }
}
