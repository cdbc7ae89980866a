import { Composer, CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, Parser, visit } from "yaml";
import { SpecError, type SpecErrorCode, type SpecFault } from "./error.ts";
import { excerptAt } from "./excerpt.ts";
import type { Problem } from "./problem.ts";

/** The 16-node example has 7 KB; a spec with every index of a /16 about 8 MB. */
export const MAX_SPEC_CHARS = 16 * 1024 * 1024;

/** The deepest value of a spec stands ten levels down, and a level takes the parser up to two steps. Composing is recursive, so this bound is what keeps its stack. */
const MAX_DEPTH = 64;

/** A YAML document, and where each of its values stands. Made once for each file. */
export interface SpecDocument {
  readonly value: unknown;
  /** The problem with its place in the file: of the value at its path, or of the key. Falls back to the nearest value above that was written down. */
  readonly locate: (problem: Problem) => SpecFault;
  /** The same as an error of its own. */
  readonly fault: (code: SpecErrorCode, path: readonly PropertyKey[], at: Problem["at"], message: string, hint?: string) => SpecError;
}

/** YAML 1.2 text → values without anchors, tags or a second document. Throws SpecError `TOO_LARGE` or `BAD_YAML`. */
export function readDocument(text: string, file: string): SpecDocument {
  const lines = new LineCounter();
  const fault = (code: SpecErrorCode, offset: number, message: string, { path = "", hint = "" } = {}): SpecFault => {
    const { line, col } = lines.linePos(offset);
    return { code, line: Math.max(1, line), column: Math.max(1, col), path, message, hint, excerpt: excerptAt(text, offset) };
  };
  const refuse: Refuse = (offset, message, cause) => new SpecError(file, fault("BAD_YAML", offset, message), [], cause === undefined ? undefined : { cause });
  if (text.length > MAX_SPEC_CHARS) throw new SpecError(file, fault("TOO_LARGE", 0, `the file has ${text.length} characters, at most ${MAX_SPEC_CHARS} are read`));
  const document = composeOne(text, lines, refuse);
  refuseIndirection(document, refuse);
  const locate: SpecDocument["locate"] = ({ code, path, at, message, hint }) => fault(code, offsetOf(document, path, at), message, { path: path.map(String).join("."), hint });
  return {
    value: document.toJS({ maxAliasCount: 0 }),
    locate,
    fault: (code, path, at, message, hint = "") => new SpecError(file, locate({ code, path, at, message, hint })),
  };
}

/** The error for what can't be read at an offset. */
type Refuse = (offset: number, message: string, cause?: unknown) => SpecError;

function composeOne(text: string, lines: LineCounter, refuse: Refuse): Document {
  // The library's own search for a key that is there twice takes the square of a map's size: see refuseTwice.
  const composer = new Composer({ version: "1.2", schema: "core", strict: true, uniqueKeys: false, merge: false });
  const documents: Document[] = [];
  for (const document of composer.compose(boundedTokens(text, lines, refuse))) {
    const error = document.errors[0] ?? document.warnings[0];
    if (error !== undefined) throw refuse(error.pos[0], error.message.split("\n")[0] ?? error.message, error);
    documents.push(document as Document);
    if (documents.length > 1) throw refuse(document.contents?.range?.[0] ?? 0, "the file has a second document");
  }
  const [document] = documents;
  if (document === undefined) throw refuse(0, "the file is empty");
  return document;
}

/** Tokens of the text, as long as it isn't nested deeper than any spec. */
function* boundedTokens(text: string, lines: LineCounter, refuse: Refuse): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) throw refuse(parser.offset, "the document is nested too deeply for a spec");
  }
  yield* parser.end();
}

/** One value has one place: no anchors, aliases or tags (and so no alias bombs, no surprises in types), no key twice. */
function refuseIndirection(document: Document, refuse: Refuse): void {
  const start = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) throw refuse(start(node), "aliases are not read; write the value out");
      if (node.anchor !== undefined) throw refuse(start(node), "anchors are not read; write the value out");
      if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:")) throw refuse(start(node), "tags are not read");
    },
    Map: (_key, map) => {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key) || typeof key.value !== "string") throw refuse(start(key), "keys are plain words");
        if (seen.has(key.value)) throw refuse(start(key), `key ${JSON.stringify(key.value)} is there twice; keys are unique`);
        seen.add(key.value);
      }
    },
  });
}

/** Offset of the deepest part of `path` that was written down. */
function offsetOf(document: Document, path: readonly PropertyKey[], where: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [i, key] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((p) => isScalar(p.key) && p.key.value === String(key));
      if (pair === undefined) break;
      const target = where === "key" && i === path.length - 1 ? pair.key : (pair.value ?? pair.key);
      offset = (target as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (node === undefined) break;
      offset = (node as Node).range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
