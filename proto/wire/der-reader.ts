import { WireError } from "./error.ts";
import { ByteReader } from "./reader.ts";

const MAX_LENGTH_BYTES = 3;
const MAX_ID_BYTES = 32;

/**
 * Reads DER, one element after the other: tags of one byte, definite lengths in their shortest form (X.690 §10.1). Every read
 * names the tag that must come. Throws {@link WireError}.
 */
export class DerReader {
  readonly #data: Uint8Array;
  readonly #r: ByteReader;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#r = new ByteReader(data);
  }

  /** The next element's tag without moving; null at the end. */
  get next(): number | null {
    return this.#data[this.#r.offset] ?? null;
  }

  /** The next element's contents, which must have this tag. */
  contents(tag: number): Uint8Array {
    const found = this.#r.u8();
    if (found !== tag) throw new WireError("BAD_VALUE", `DER element with tag ${found}, wanted ${tag}`);
    return this.#r.bytes(this.#length());
  }

  /** A reader of what stands in the next element, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.contents(tag));
  }

  /** OBJECT IDENTIFIER in dotted form. */
  objectId(): string {
    const body = this.contents(0x06);
    if (body.length === 0 || body.length > MAX_ID_BYTES || ((body.at(-1) ?? 0) & 0x80) !== 0) throw new WireError("BAD_VALUE", "malformed object identifier");
    const arcs: number[] = [];
    let value = 0;
    let started = false;
    for (const byte of body) {
      if (!started && byte === 0x80) throw new WireError("BAD_VALUE", "object identifier with a padded number");
      value = value * 128 + (byte & 0x7f);
      if (!Number.isSafeInteger(value)) throw new WireError("BAD_VALUE", "object identifier with a number without end");
      started = (byte & 0x80) !== 0;
      if (started) continue;
      arcs.push(value);
      value = 0;
    }
    const [first = 0, ...rest] = arcs;
    const top = Math.min(2, Math.floor(first / 40));
    return [top, first - 40 * top, ...rest].join(".");
  }

  /** BOOLEAN with DEFAULT FALSE: DER writes it only where it is TRUE. */
  flag(): boolean {
    if (this.next !== 0x01) return false;
    const [value, ...more] = this.contents(0x01);
    if (value !== 0xff || more.length > 0) throw new WireError("BAD_VALUE", "BOOLEAN that isn't TRUE where FALSE is left out");
    return true;
  }

  /** A date of a certificate: UTCTime or GeneralizedTime, in seconds, UTC (RFC 5280 §4.1.2.5). */
  time(): Date {
    const short = this.next === 0x17;
    const text = new TextDecoder("latin1").decode(this.contents(short ? 0x17 : 0x18));
    if (!/^\d+Z$/.test(text) || text.length !== (short ? 13 : 15)) throw new WireError("BAD_VALUE", "malformed date");
    const full = short ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : text;
    const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
    const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    // Not the 31st of a month that has 30 days, which some parsers make the next one's 1st.
    if (Number.isNaN(date.getTime()) || date.toISOString().slice(8, 10) !== day) throw new WireError("BAD_VALUE", "a date that doesn't exist");
    return date;
  }

  /** Refuses leftovers. */
  end(): void {
    this.#r.end();
  }

  #length(): number {
    const first = this.#r.u8();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > MAX_LENGTH_BYTES) throw new WireError("BAD_VALUE", "DER length without end or above all bounds");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#r.u8();
    if (length < 0x80 || length < 256 ** (count - 1)) throw new WireError("BAD_VALUE", "DER length that isn't in its shortest form");
    return length;
  }
}
