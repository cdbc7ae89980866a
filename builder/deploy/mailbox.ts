import type { z } from "zod";
import { utf8 } from "../../proto/wire/bytes.ts";
import { canonicalJson, parseJson } from "../../proto/wire/json.ts";
import { DeployError } from "./error.ts";

/** The folder of the guest that its guest agent may see (DESIGN §2.15). */
const MAILBOX = "/run/kubedos/mailbox";
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;
const POLL_MS = 300;

/** Reading and writing files of a guest; the QEMU guest agent in production. Missing files read as null. */
export interface GuestFiles {
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  write(path: string, data: Uint8Array): Promise<void>;
}

/**
 * Requests and answers of a fixed list, as files, before a guest has any network. What comes back is the guest's word:
 * it is parsed strictly and judged like every other evidence.
 */
export class Mailbox {
  readonly #files: GuestFiles;
  readonly #sleep: (ms: number) => Promise<void>;

  constructor(files: GuestFiles, sleep: (ms: number) => Promise<void>) {
    this.#files = files;
    this.#sleep = sleep;
  }

  /** Puts one request into the mailbox; the empty `.ready` file beside it says that it is whole. */
  async post(name: string, body: unknown): Promise<void> {
    await this.postBytes(name, canonicalJson(body));
  }

  /** Like {@link post}, with a document that is encoded already. */
  async postBytes(name: string, document: Uint8Array): Promise<void> {
    await this.#files.write(`${MAILBOX}/in/${name}.json`, document);
    await this.#files.write(`${MAILBOX}/in/${name}.json.ready`, utf8(""));
  }

  /** Waits for an answer that `accept` takes. Throws DeployError `GUEST_SILENT` after `timeoutMs`. */
  async take<T extends z.ZodType>(name: string, schema: T, timeoutMs: number, accept: (value: z.output<T>) => boolean = () => true): Promise<z.output<T>> {
    for (let waited = 0; waited <= timeoutMs; waited += POLL_MS) {
      const data = await this.#files.read(`${MAILBOX}/out/${name}.json`, MAX_ANSWER_BYTES);
      if (data !== null) {
        const value = parseJson(schema, data, MAX_ANSWER_BYTES);
        if (accept(value)) return value;
      }
      await this.#sleep(POLL_MS);
    }
    throw new DeployError("GUEST_SILENT", `the guest's agent did not answer with ${name}.json within ${timeoutMs / 1000} s; its console says why`);
  }
}
