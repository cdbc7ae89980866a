const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, "ADDRESS"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "UUID"],
  [/\b000b[0-9a-f]{64}\b/g, "EK"],
  [/…[0-9a-f]{8}\b/g, "…EK"],
  [/\b([0-9a-f]{4} ){3,}[0-9a-f]{1,4}\b/g, "DIGEST"],
  [/\b[0-9a-f]{40,}\b/g, "DIGEST"],
  [/\b[0-9a-f]{16}\b|\b[0-9a-f]{12}\b/g, "ID"],
  [/\bblock \d+\b/g, "block N"],
  [/\bverity: \d+:\d+:/g, "verity: DEVICE:"],
  [/\bkubedos-(agent|hub)\[\d+\]/g, "kubedos-$1[PID]"],
  [/\bfor \d+(ms|s|m|h)( ?\d+(s|m))?\b/g, "for a while"],
  [/\(for [^)]*\)/g, "(for a while)"],
  [/^\[ *\d+\.\d+\]/g, "[TIME]"],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?\b/g, "DATE"],
];

/** Lines that begin something of their own; all others go on with the line before them, which a terminal's width had cut. */
const BEGINS = /^\s*(expected|found|Usual cause:|PCR \d|Evidence\b|\d+\. |Next:|line {2})/;

/** Prose of ours with everything that differs from run to run as words, and without the line breaks of a width. */
export function comparable(text: string): string {
  const paragraphs = text.trim().split(/\n\s*\n/).map((paragraph) => {
    const lines: string[] = [];
    for (const line of paragraph.split("\n")) {
      const last = lines.length - 1;
      if (last < 0 || BEGINS.test(line)) lines.push(line.trimEnd());
      else lines[last] = `${lines[last]} ${line.trim()}`;
    }
    return lines.join("\n");
  });
  return `${WORDS.reduce((out, [pattern, word]) => out.replace(pattern, word), paragraphs.join("\n\n"))}\n`;
}
