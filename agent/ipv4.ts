/** An IPv4 network: its first address as an unsigned 32-bit number, and the prefix's length. */
export interface Ipv4Network {
  readonly base: number;
  readonly prefix: number;
}

/** Dotted text → unsigned 32-bit number; null for anything but four decimal octets without leading zeros. */
export function parseIpv4(text: string): number | null {
  const octets = text.split(".");
  if (octets.length !== 4) return null;
  let value = 0;
  for (const octet of octets) {
    if (!/^(0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return null;
    value = value * 256 + Number(octet);
  }
  return value;
}

/** `a.b.c.d/n` → network; null unless well-formed and without host bits. */
export function parseNetwork(text: string): Ipv4Network | null {
  const [address, length, ...rest] = text.split("/");
  const base = parseIpv4(address ?? "");
  if (base === null || length === undefined || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(length)) return null;
  const prefix = Number(length);
  if (prefix > 32 || base % hostCount(prefix) !== 0) return null;
  return { base, prefix };
}

/** Unsigned 32-bit number → dotted text. */
export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

/** The n-th address of a network as /32; null outside of it, for 0, and for the broadcast address. */
export function addressInNetwork(network: Ipv4Network, n: number): string | null {
  if (!Number.isSafeInteger(n) || n < 1 || n >= hostCount(network.prefix) - 1) return null;
  return `${formatIpv4(network.base + n)}/32`;
}

function hostCount(prefix: number): number {
  return 2 ** (32 - prefix);
}
