const MAX_CHARS = 240;

/**
 * Text from a log made safe to show: whoever wrote the log chose these bytes, so control and formatting characters
 * (escape sequences, line breaks, bidirectional marks) are escaped and the length is bounded.
 */
export function printable(text: string): string {
  const cut = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** UTF-16LE bytes up to the first NUL, safe to show. */
export function printableUtf16(data: Uint8Array): string {
  const text = new TextDecoder("utf-16le").decode(data);
  const end = text.indexOf("\0");
  return printable(end < 0 ? text : text.slice(0, end));
}

/** Bytes that are text by convention only: UTF-16LE if every second byte of the start is zero, else UTF-8; safe to show. */
export function printableText(data: Uint8Array): string {
  if (looksUtf16(data)) return printableUtf16(data);
  let end = data.length;
  while (end > 0 && data[end - 1] === 0) end--;
  return printable(new TextDecoder().decode(data.subarray(0, end)));
}

function looksUtf16(data: Uint8Array): boolean {
  return data.length >= 2 && data.length % 2 === 0 && data[0] !== 0 && data[1] === 0 && (data.length === 2 || data[3] === 0);
}
