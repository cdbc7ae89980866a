/** Sums 16-bit words with end-around carry over `file`, adds its length: the CheckSum field (ImageHlp's algorithm), with that field read as zero. */
export function peChecksum(file: Uint8Array, checksumOffset: number): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let sum = 0;
  const even = file.length & ~1;
  for (let at = 0; at < even; at += 2) {
    if (at === checksumOffset || at === checksumOffset + 2) continue;
    sum += view.getUint16(at, true);
    // Numbers are exact far beyond this; folding rarely keeps the loop short.
    if (sum > 0xffff_ffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  }
  if (even !== file.length) sum += file[even] ?? 0;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum + file.length;
}
