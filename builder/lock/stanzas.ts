/** One paragraph of a Debian control file: field names as they are written, values without the space after the colon, line breaks as they were. */
export type Stanza = ReadonlyMap<string, string>;

/**
 * The paragraphs of a Debian control file (deb822(5)), with only the fields in `wanted`: an index of the archive has 57 MB, most of it
 * descriptions.
 */
export function* readStanzas(text: string, wanted: readonly string[]): Generator<Stanza> {
  const field = new RegExp(`^(${wanted.join("|")}): *(.*(?:\\n[ \\t].*)*)$`, "gm");
  for (const paragraph of text.split("\n\n")) {
    const stanza = new Map<string, string>();
    for (const [, name = "", value = ""] of paragraph.matchAll(field)) stanza.set(name, value);
    if (stanza.size > 0) yield stanza;
  }
}
