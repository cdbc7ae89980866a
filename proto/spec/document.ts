import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from "yaml";
import { SpecError, type SpecErrorCode } from "./error.ts";

/** The 16-node example has 6 KB; a spec with every index of a /16 about 8 MB. */
const MAX_SPEC_CHARS = 16 * 1024 * 1024;

/** A YAML document, and where each of its values stands. Made once for each file. */
export interface SpecDocument {
  readonly value: unknown;
  /** The error for the value at `path`, or for its key. Falls back to the nearest value above that was written down. */
  readonly fault: (code: SpecErrorCode, path: readonly PropertyKey[], at: "key" | "value", message: string, hint?: string) => SpecError;
}

/** YAML 1.2 text → values without anchors, tags or a second document. Throws SpecError `TOO_LARGE` or `BAD_YAML`. */
export function readDocument(text: string, file: string): SpecDocument {
  if (text.length > MAX_SPEC_CHARS) throw position(file, { line: 1, col: 1 }, "TOO_LARGE", `the file has ${text.length} characters, at most ${MAX_SPEC_CHARS} are read`);
  const lines = new LineCounter();
  const document = parseOne(text, file, lines);
  const at = (offset: number) => lines.linePos(offset);
  refuseIndirection(document, (node, message) => position(file, at(node.range?.[0] ?? 0), "BAD_YAML", message));
  return {
    value: document.toJS({ maxAliasCount: 0 }),
    fault: (code, path, where, message, hint = "") => {
      const { line, col } = at(offsetOf(document, path, where));
      return new SpecError(file, { code, line, column: col, path: path.map(String).join("."), message, hint });
    },
  };
}

function parseOne(text: string, file: string, lines: LineCounter): Document {
  let documents: ReturnType<typeof parseAllDocuments>;
  try {
    documents = parseAllDocuments(text, { version: "1.2", schema: "core", strict: true, uniqueKeys: true, merge: false, lineCounter: lines, prettyErrors: false });
  } catch (cause) {
    // Nesting thousands deep ends the parser's stack before it ends the text.
    throw position(file, { line: 1, col: 1 }, "BAD_YAML", "the file can't be read as YAML", cause);
  }
  const [document, second] = documents;
  if (document === undefined || !("errors" in document)) throw position(file, { line: 1, col: 1 }, "BAD_YAML", "the file is empty");
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) throw position(file, lines.linePos(error.pos[0]), "BAD_YAML", sentence(error.message), error);
  if (second !== undefined) throw position(file, lines.linePos(second.contents?.range?.[0] ?? 0), "BAD_YAML", "the file has a second document");
  return document;
}

/** One value has one place: no anchors, aliases or tags (and so no alias bombs, no surprises in types). */
function refuseIndirection(document: Document, error: (node: Node, message: string) => SpecError): void {
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) throw error(node, "aliases are not read; write the value out");
      if (node.anchor !== undefined) throw error(node, "anchors are not read; write the value out");
      if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:")) throw error(node, "tags are not read");
    },
    Pair: (_key, pair) => {
      if (!isScalar(pair.key) || typeof pair.key.value !== "string") throw error(pair.key as Node, "keys are plain words");
    },
  });
}

/** Offset of the deepest part of `path` that was written down. */
function offsetOf(document: Document, path: readonly PropertyKey[], where: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = (document.contents as Node | null)?.range?.[0] ?? 0;
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

function position(file: string, at: { line: number; col: number }, code: SpecErrorCode, message: string, cause?: unknown): SpecError {
  return new SpecError(file, { code, line: at.line, column: at.col, path: "", message, hint: "" }, cause === undefined ? undefined : { cause });
}

function sentence(message: string): string {
  return message.split("\n")[0] ?? message;
}
