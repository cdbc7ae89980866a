/** Hexadecimal text in groups of four, `perLine` groups a line: what two people can compare aloud. */
export function hexGroups(hex: string, perLine: number): readonly string[] {
  const groups = hex.match(/.{1,4}/g) ?? [];
  const lines: string[] = [];
  for (let i = 0; i < groups.length; i += perLine) lines.push(groups.slice(i, i + perLine).join(" "));
  return lines;
}
