import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { parseCanonicalJson } from "../../proto/wire/json.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import { BuildError } from "../error.ts";

/** DSSE payload type of an entry. */
export const INDEX_TYPE = "application/vnd.kubedos.index+json";
/** Under `out/<cluster>`: one envelope a line, oldest first. */
export const INDEX_FILE = "index.jsonl";
const MAX_ENTRY_BYTES = 4096;
const MAX_INDEX_BYTES = 16 * 1024 * 1024;
const FIRST = "0".repeat(64);

/** One release that was made here. Without a time: two builds leave the same bytes. */
export const indexEntrySchema = z.strictObject({
  kind: z.literal("kubedos/index"),
  version: z.literal(1),
  cluster: dnsLabel,
  /** 1 for the first. */
  serial: z.int().positive(),
  id: hexText(8),
  generation: z.int().positive(),
  /** SHA-256 of the files release.json and SHA256SUMS; the latter covers all others. */
  release: hexText(32),
  sums: hexText(32),
  /** SHA-256 of the line before, without its end; zeros for the first. */
  previous: hexText(32),
});
/** See {@link indexEntrySchema}. */
export type IndexEntry = z.output<typeof indexEntrySchema>;

/** An index whose chain holds. */
export interface OutIndex {
  readonly entries: readonly IndexEntry[];
  /** What the next entry names as the one before. */
  readonly head: string;
}

/** Payload bytes of a verified envelope → entry. Throws WireError. */
export function parseIndexEntry(data: Uint8Array): IndexEntry {
  return parseCanonicalJson(indexEntrySchema, data, MAX_ENTRY_BYTES);
}

/**
 * The bytes of an index file → its entries, if each is signed by one of `keys` for this cluster, counts up, names the line before it and a release that wasn't there.
 * What was cut off its end it can't see: compare {@link OutIndex.head}. Throws BuildError `INDEX_BROKEN`.
 */
export function readIndex(data: Uint8Array, cluster: string, keys: readonly KeyObject[]): OutIndex {
  const entries: IndexEntry[] = [];
  const broken = (why: string, cause?: unknown) =>
    new BuildError("INDEX_BROKEN", `entry ${entries.length + 1} of ${cluster}/${INDEX_FILE} ${why}`, "move the folder away, or bring its index back from a copy", { cause });
  let head = FIRST;
  if (data.length > MAX_INDEX_BYTES) throw broken("can't be: the file is too large");
  const lines = new TextDecoder().decode(data).split("\n");
  if (lines.pop() !== "") throw broken("isn't whole");
  for (const line of lines) {
    let entry: IndexEntry;
    try {
      entry = parseIndexEntry(openEnvelope(INDEX_TYPE, parseEnvelope(utf8(line)), keys));
    } catch (cause) {
      throw broken("isn't signed by the release key, or was changed", cause);
    }
    if (entry.cluster !== cluster) throw broken(`is of cluster "${entry.cluster}"`);
    if (entry.serial !== entries.length + 1 || entry.previous !== head) throw broken("doesn't follow the one before it");
    if (entries.some((e) => e.id === entry.id)) throw broken(`names release ${entry.id} a second time`);
    entries.push(entry);
    head = toHex(sha256(utf8(line)));
  }
  return { entries, head };
}

/** The entry that would come next. */
export function nextEntry(index: OutIndex, facts: Pick<IndexEntry, "cluster" | "id" | "generation" | "release" | "sums">): IndexEntry {
  return { kind: "kubedos/index", version: 1, serial: index.entries.length + 1, previous: index.head, ...facts };
}
