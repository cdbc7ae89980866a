// Controls, formatting and direction marks, private and unassigned characters, line and paragraph separators.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Text from a machine or a hub, made safe for a terminal: a node chooses its hint and parts of its log, and must not
 * move the cursor, recolour or hide what an operator decides upon.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeChar);
}

/** The same for finished JSON, which leaves DEL, C1 and direction marks as they are; line breaks of the layout stay. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (c) => (c === "\n" ? c : escapeChar(c)));
}

/** As in JSON: one \uXXXX for each UTF-16 code unit. */
function escapeChar(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
}
