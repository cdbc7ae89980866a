import { open } from "node:fs/promises";

/** A run of bytes in which two files differ; `end` is the first offset after it. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A part of a file that may differ, and the public value that it differs by. */
export interface Explained extends Range {
  readonly why: string;
}

const CHUNK = 1 << 20;

/** Where two files differ, byte by byte; what one has more at its end is one run. */
export async function diffFiles(a: string, b: string): Promise<readonly Range[]> {
  const [left, right] = [await open(a), await open(b)];
  try {
    const sizes = [(await left.stat()).size, (await right.stat()).size] as const;
    const common = Math.min(...sizes);
    const ranges: { start: number; end: number }[] = [];
    const [one, two] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
    for (let at = 0; at < common; at += CHUNK) {
      const length = Math.min(CHUNK, common - at);
      await left.read(one, 0, length, at);
      await right.read(two, 0, length, at);
      addRanges(ranges, one.subarray(0, length), two.subarray(0, length), at);
    }
    if (sizes[0] !== sizes[1]) ranges.push({ start: common, end: Math.max(...sizes) });
    return ranges;
  } finally {
    await left.close();
    await right.close();
  }
}

function addRanges(ranges: { start: number; end: number }[], a: Buffer, b: Buffer, base: number): void {
  if (a.equals(b)) return;
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) continue;
    const last = ranges.at(-1);
    if (last?.end === base + i) last.end++;
    else ranges.push({ start: base + i, end: base + i + 1 });
  }
}

/** The differing runs that lie in none of the explained parts. */
export function unexplained(ranges: readonly Range[], parts: readonly Explained[]): readonly Range[] {
  return ranges.filter((range) => !parts.some((part) => part.start <= range.start && range.end <= part.end));
}
