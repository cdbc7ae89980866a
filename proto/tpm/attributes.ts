import { WireError } from "../wire/error.ts";

/** Bits of TPMA_OBJECT (Part 2, 8.3.2). */
const BITS = {
  fixedTPM: 1,
  stClear: 2,
  fixedParent: 4,
  sensitiveDataOrigin: 5,
  userWithAuth: 6,
  adminWithPolicy: 7,
  noDA: 10,
  encryptedDuplication: 11,
  restricted: 16,
  decrypt: 17,
  sign: 18,
  x509sign: 19,
} as const;

/** One bit of TPMA_OBJECT. `sign` is the specification's "sign / encrypt". */
export type ObjectAttribute = keyof typeof BITS;

/** TPMA_OBJECT as named booleans. */
export type ObjectAttributes = Readonly<Record<ObjectAttribute, boolean>>;

const ENTRIES = Object.entries(BITS) as readonly (readonly [ObjectAttribute, number])[];
const KNOWN = ENTRIES.reduce((mask, [, bit]) => mask | (1 << bit), 0);

/** 32-bit TPMA_OBJECT → booleans. Reserved bits that are set are refused with WireError `BAD_VALUE`. */
export function parseAttributes(bits: number): ObjectAttributes {
  if ((bits & ~KNOWN) !== 0) throw new WireError("BAD_VALUE", "reserved bits are set in the object attributes");
  return Object.fromEntries(ENTRIES.map(([name, bit]) => [name, (bits & (1 << bit)) !== 0])) as ObjectAttributes;
}

/** Booleans → 32-bit TPMA_OBJECT. */
export function attributeBits(attributes: ObjectAttributes): number {
  return ENTRIES.reduce((bits, [name, bit]) => (attributes[name] ? bits | (1 << bit) : bits), 0);
}

/** Attributes with exactly these set. */
export function attributesOf(...set: readonly ObjectAttribute[]): ObjectAttributes {
  return Object.fromEntries(ENTRIES.map(([name]) => [name, set.includes(name)])) as ObjectAttributes;
}
