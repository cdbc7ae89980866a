/**
 * A value inside one of QEMU's comma-separated options: every comma doubled, nothing else changed (QEMU's QemuOpts).
 * Throws RangeError on a character that can't travel there: control characters and NUL.
 */
export function qemuValue(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new RangeError("a QEMU option can't hold control characters");
  return text.replaceAll(",", ",,");
}
