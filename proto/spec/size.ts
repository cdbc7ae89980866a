import { z } from "zod";

const MIB_PER: Readonly<Record<string, number>> = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

/** "512MiB", "2GiB" or "1TiB" ↔ MiB. Text has one spelling: the largest unit that divides it. */
export const size = z
  .codec(z.string().regex(/^[1-9]\d{0,5}(MiB|GiB|TiB)$/, 'must be a size like "512MiB", "2GiB" or "1TiB"'), z.int().positive(), {
    decode: (text) => Number.parseInt(text, 10) * (MIB_PER[text.slice(-3)] ?? 1),
    encode: (mib) => formatSize(mib),
  })
  .meta({ title: "size" });

/** MiB → "512MiB", "2GiB" or "1TiB". */
export function formatSize(mib: number): string {
  const unit = ["TiB", "GiB"].find((name) => mib % (MIB_PER[name] ?? 1) === 0) ?? "MiB";
  return `${mib / (MIB_PER[unit] ?? 1)}${unit}`;
}
