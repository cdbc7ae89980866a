import { appendFile, chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { encodeEnvelope } from "../../proto/dsse/dsse.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { signatureOf } from "../sign/sign-pe.ts";
import type { Signer } from "../sign/signer.ts";
import { encodeRecord, encodeRecords, parseRecords, type SignatureRecord } from "./signature-record.ts";

/** A signer whose answers are kept, so that the same things need no keys when they are made again. */
export interface RecordingSigner {
  readonly signer: Signer;
  /** Writes the file, and takes away the journal; two builds of the same inputs leave the same bytes. */
  readonly close: () => Promise<void>;
}

/**
 * Puts a journal between a build and its signer. Each answer is in it before it is used, so that a build which is killed has none that
 * isn't; `file` gets what it holds when the build has ended.
 */
export async function recordSigner(signer: Signer, file: string, journal: string): Promise<RecordingSigner> {
  await mkdir(dirname(journal), { recursive: true });
  const before = await readRecords(file);
  const known = new Map([...before, ...(await readRecords(journal))]);
  // Half a line at its end would spoil the next one.
  if (known.size > before.size) await writeFile(journal, encodeRecords(known.values()));
  let writing: Promise<void> = Promise.resolve();
  const keep = async (what: string, request: Uint8Array, answer: Uint8Array): Promise<void> => {
    const record: SignatureRecord = { what, sha256: toHex(sha256(request)), answer: toBase64(answer) };
    known.set(`${what} ${record.sha256}`, record);
    // One after the other, so that lines don't mix.
    writing = writing.then(() => appendFile(journal, encodeRecord(record)));
    await writing;
  };
  return {
    signer: {
      async signUki(uki, about) {
        const signed = await signer.signUki(uki, about);
        await keep("uki", uki, signatureOf(signed) ?? new Uint8Array());
        return signed;
      },
      async signDocument(purpose, payload) {
        const envelope = await signer.signDocument(purpose, payload);
        await keep(`document ${purpose}`, payload, encodeEnvelope(envelope));
        return envelope;
      },
      async signPolicy(request) {
        const approval = await signer.signPolicy(request);
        await keep(`policy ${request.purpose}`, request.uki, approval);
        return approval;
      },
      async signFile(kind, data) {
        const signature = await signer.signFile(kind, data);
        await keep(`file ${kind}`, data, signature);
        return signature;
      },
      // For a hub that runs, not for a release: there is nothing to be made again.
      issueIntermediate: (role, spki, notAfter) => signer.issueIntermediate(role, spki, notAfter),
    },
    async close() {
      await writing;
      if (known.size > before.size) {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(`${file}.new`, encodeRecords(known.values()));
        // Whatever the umask: two builds leave the same.
        await chmod(`${file}.new`, 0o644);
        await rename(`${file}.new`, file);
      }
      await rm(journal, { force: true });
    },
  };
}

async function readRecords(file: string): Promise<ReadonlyMap<string, SignatureRecord>> {
  const data = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return new Uint8Array();
    throw cause;
  });
  return parseRecords(data);
}
