import { open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { encodeEnvelope, openEnvelope, parseEnvelope } from "../../proto/dsse/dsse.ts";
import { sha256, utf8 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson, parseCanonicalJson } from "../../proto/wire/json.ts";
import { dnsLabel, hexText } from "../../proto/wire/text.ts";
import { withKeysLock } from "../keys/keys-lock.ts";
import type { PrivateKey } from "../keys/private-key.ts";
import { SignerError } from "./error.ts";
import { signEnvelopeBy } from "./sign-envelope.ts";

/** Files of the log in a key directory: one entry a line, and how far it goes. */
export const LOG_FILES = { entries: "signing.log", head: "signing.head" } as const;

const HEAD_TYPE = "application/vnd.kubedos.signing-head+json";
const MAX_LINE_BYTES = 2048;
/** Hash before the first entry. */
const START = "0".repeat(64);

/** What was asked of a signer; nothing in it is secret. */
const requestSchema = z.strictObject({
  /** ISO 8601, UTC. */
  at: z.iso.datetime(),
  /** User id of the process that asked. */
  uid: z.int().nonnegative(),
  purpose: z.string().max(32),
  /** `null` where the thing is of no one role, or of no release. */
  role: dnsLabel.nullable(),
  release: hexText(8).nullable(),
  /** SHA-256 of the whole thing to be signed. */
  digest: hexText(32),
  /** The code of a refusal; null: it was signed. */
  refused: z.string().max(32).nullable(),
});
/** See {@link requestSchema}. */
export type LoggedRequest = z.output<typeof requestSchema>;

const entrySchema = requestSchema.extend({ seq: z.int().positive(), previous: hexText(32) });
/** One line: `previous` is SHA-256 of the line before, so no line can be changed or taken out. */
export type LogEntry = z.output<typeof entrySchema>;

const headSchema = z.strictObject({ kind: z.literal("kubedos/signing-head"), version: z.literal(1), entries: z.int().nonnegative(), head: hexText(32) });

/** A log whose chain holds. */
export interface SigningLog {
  readonly entries: readonly LogEntry[];
  /** SHA-256 of the last line, hex; keep it elsewhere to notice that the whole log was set back. */
  readonly head: string;
  /** Length of the entries' file without half a line that a power cut left at its end. */
  readonly bytes: number;
}

/** Begins the log of new keys. */
export async function beginLog(dir: string, key: PrivateKey): Promise<void> {
  await writeFile(join(dir, LOG_FILES.entries), "", { mode: 0o600, flag: "wx" });
  await writeHead(dir, { entries: 0, head: START }, key);
}

/**
 * Checks the log and signs its head anew, before anything else is signed: a wrong PIN and a token that is away show here, and
 * after a rotation the head is the new key's. Throws SignerError `LOG_BROKEN`, or what the key throws.
 */
export async function openLog(dir: string, key: PrivateKey, trusted: readonly KeyObject[]): Promise<void> {
  await withKeysLock(dir, async () => {
    const { entries, head } = await readLog(dir, trusted);
    await writeHead(dir, { entries: entries.length, head }, key);
  });
}

/** Adds an entry and says durably how far the log goes. When it returns, the entry survives a power cut. Throws SignerError `LOG_BROKEN`. */
export async function appendLog(dir: string, request: LoggedRequest, key: PrivateKey, trusted: readonly KeyObject[]): Promise<LogEntry> {
  return await withKeysLock(dir, async () => {
    const { entries, head, bytes } = await readLog(dir, trusted);
    const entry: LogEntry = { ...request, seq: entries.length + 1, previous: head };
    const line = canonicalJson(entry);
    const file = await open(join(dir, LOG_FILES.entries), "r+");
    try {
      await file.truncate(bytes);
      await file.write(Buffer.concat([line, utf8("\n")]), 0, line.length + 1, bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    await writeHead(dir, { entries: entry.seq, head: toHex(sha256(line)) }, key);
    return entry;
  });
}

/**
 * Reads the log and checks its chain up to the signed head. One entry more than the head knows is what a power cut between
 * the two leaves behind, and is taken. `trusted` are the release keys. Throws SignerError `LOG_BROKEN`.
 */
export async function readLog(dir: string, trusted: readonly KeyObject[]): Promise<SigningLog> {
  const known = await readHead(dir, trusted);
  const text = await readFile(join(dir, LOG_FILES.entries), "utf8").catch((cause: unknown) => {
    throw broken(`${join(dir, LOG_FILES.entries)} can't be read`, cause);
  });
  const lines = text.split("\n");
  const half = lines.pop() ?? "";
  const entries: LogEntry[] = [];
  const heads = [START];
  for (const line of lines) {
    const entry = parseEntry(line, entries.length + 1);
    if (entry.previous !== heads.at(-1)) throw broken(`entry ${entry.seq} of the signing log doesn't follow the one before it`);
    entries.push(entry);
    heads.push(toHex(sha256(utf8(line))));
  }
  if (entries.length < known.entries) throw broken(`the signing log has ${entries.length} entries, it had ${known.entries}`);
  if (entries.length > known.entries + 1 || heads[known.entries] !== known.head) throw broken("the signing log is not the one that was signed last");
  // Nothing was signed for half a line: it is written before the signature leaves.
  if (half !== "" && entries.length !== known.entries) throw broken("the signing log ends in the middle of a line");
  return { entries, head: heads.at(-1) ?? START, bytes: utf8(text).length - utf8(half).length };
}

function parseEntry(line: string, seq: number): LogEntry {
  try {
    const entry = parseCanonicalJson(entrySchema, utf8(line), MAX_LINE_BYTES);
    if (entry.seq === seq) return entry;
  } catch (cause) {
    throw broken(`entry ${seq} of the signing log can't be read`, cause);
  }
  throw broken(`entry ${seq} of the signing log is missing`);
}

async function readHead(dir: string, trusted: readonly KeyObject[]): Promise<{ readonly entries: number; readonly head: string }> {
  try {
    const envelope = parseEnvelope(await readFile(join(dir, LOG_FILES.head)));
    return parseCanonicalJson(headSchema, openEnvelope(HEAD_TYPE, envelope, trusted), MAX_LINE_BYTES);
  } catch (cause) {
    throw broken(`${join(dir, LOG_FILES.head)} doesn't say how far the signing log goes`, cause);
  }
}

async function writeHead(dir: string, known: { readonly entries: number; readonly head: string }, key: PrivateKey): Promise<void> {
  const payload = canonicalJson({ kind: "kubedos/signing-head", version: 1, ...known });
  const path = join(dir, LOG_FILES.head);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.write(encodeEnvelope(await signEnvelopeBy(HEAD_TYPE, payload, [key])));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

function broken(message: string, cause?: unknown): SignerError {
  return new SignerError("LOG_BROKEN", message, { cause });
}
