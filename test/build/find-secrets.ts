/** What private keys look like as text. Programs that read keys hold the headings alone, without a key behind them. */
const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ["a PEM private key", /-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----(?:\\n|\r?\n)(?:[A-Za-z-]+: [^\n]{0,200}\n|\n){0,4}[A-Za-z0-9+/]{40}/g],
  ["an age key", /AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}/g],
  ["a PuTTY key", /PuTTY-User-Key-File-\d: ssh-/g],
];

/** The private keys in `data`, by kind and offset. */
export function findSecrets(data: Uint8Array): readonly string[] {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  return PATTERNS.flatMap(([kind, pattern]) => [...text.matchAll(pattern)].map((found) => `${kind} at ${found.index}`));
}
