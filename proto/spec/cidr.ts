import { WireError } from "../wire/error.ts";

/** An IPv4 network: first address as a number, prefix length, number of addresses. */
export interface Cidr {
  readonly network: number;
  readonly prefix: number;
  readonly size: number;
}

/** "10.78.0.0/16" → network. Host bits must be zero: one network has one spelling. Throws WireError `BAD_VALUE`. */
export function parseCidr(text: string): Cidr {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text);
  const [address, prefix] = [match?.[1], Number(match?.[2] ?? Number.NaN)];
  if (address === undefined || !(prefix >= 1 && prefix <= 32)) throw new WireError("BAD_VALUE", `${JSON.stringify(text)} is no IPv4 network like 10.78.0.0/16`);
  const value = parseIpv4(address);
  const size = 2 ** (32 - prefix);
  if (value % size !== 0) throw new WireError("BAD_VALUE", `${text} has bits set behind its prefix; its network is ${formatIpv4(value - (value % size))}/${prefix}`);
  return { network: value, prefix, size };
}

/** Dotted quad → number. Leading zeros are refused: some parsers read them as octal. Throws WireError `BAD_VALUE`. */
export function parseIpv4(text: string): number {
  const parts = text.split(".");
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) throw new WireError("BAD_VALUE", `${JSON.stringify(text)} is no IPv4 address`);
    value = value * 256 + Number(part);
  }
  if (parts.length !== 4) throw new WireError("BAD_VALUE", `${JSON.stringify(text)} is no IPv4 address`);
  return value;
}

/** Number → dotted quad. */
export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** Whether the two networks share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.network < b.network + b.size && b.network < a.network + a.size;
}

/** The highest index a node can have in the network: the first address names the network, the last is broadcast. */
export function maxIndex(cidr: Cidr): number {
  return cidr.size - 2;
}

/** Address of node `index` in a plane: its network plus the index (DESIGN §4 "Planes"). Throws RangeError over {@link maxIndex}. */
export function nodeAddress(cidr: string, index: number): string {
  const net = parseCidr(cidr);
  if (!Number.isSafeInteger(index) || index < 1 || index > maxIndex(net)) throw new RangeError(`node index ${index} doesn't fit ${cidr}`);
  return formatIpv4(net.network + index);
}
