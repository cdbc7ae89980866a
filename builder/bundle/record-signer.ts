import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
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
  /** Puts the file into its final form; two builds of the same inputs leave the same bytes. */
  readonly close: () => Promise<void>;
}

/** Puts a file between a build and its signer. Each answer is in it before it is used, so a release never has one that isn't. */
export async function recordSigner(signer: Signer, file: string): Promise<RecordingSigner> {
  await mkdir(dirname(file), { recursive: true });
  const known = new Map(await readRecords(file));
  let writing: Promise<void> = Promise.resolve();
  const keep = async (what: string, request: Uint8Array, answer: Uint8Array): Promise<void> => {
    const record: SignatureRecord = { what, sha256: toHex(sha256(request)), answer: toBase64(answer) };
    known.set(`${what} ${record.sha256}`, record);
    // One after the other, so that lines don't mix.
    writing = writing.then(() => appendFile(file, encodeRecord(record)));
    await writing;
  };
  return {
    signer: {
      async signUki(uki) {
        const signed = await signer.signUki(uki);
        await keep("uki", uki, signatureOf(signed) ?? new Uint8Array());
        return signed;
      },
      async signDocument(purpose, payload) {
        const envelope = await signer.signDocument(purpose, payload);
        await keep(`document ${purpose}`, payload, encodeEnvelope(envelope));
        return envelope;
      },
    },
    async close() {
      await writing;
      if (known.size === 0) return;
      await writeFile(`${file}.new`, encodeRecords(known.values()));
      await rename(`${file}.new`, file);
    },
  };
}

async function readRecords(file: string): Promise<ReadonlyMap<string, SignatureRecord>> {
  const data = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return new Uint8Array();
    throw cause;
  });
  const whole = parseRecords(data);
  // Half a line at its end would spoil the next one.
  if (data.length > 0) await writeFile(file, encodeRecords(whole.values()));
  return whole;
}
