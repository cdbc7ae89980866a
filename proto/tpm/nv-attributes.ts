/** Bits of TPMA_NV (Part 2, 13.4) that kubedos uses. Bits 4–7 are the index's type: 0 is an ordinary one. */
export const NV_ATTRIBUTE = { OWNERWRITE: 1 << 1, OWNERREAD: 1 << 17, AUTHREAD: 1 << 18, NO_DA: 1 << 25, WRITTEN: 1 << 29 } as const;

/** Whether all bits of `mask` are set. */
export function hasNvAttributes(attributes: number, mask: number): boolean {
  return (attributes & mask) === mask;
}
