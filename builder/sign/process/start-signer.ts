import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { parseEnvelope } from "../../../proto/dsse/dsse.ts";
import { parseJson } from "../../../proto/wire/json.ts";
import { KeysError } from "../../keys/error.ts";
import { ToolError } from "../../toolchain/error.ts";
import type { ToolTree } from "../../toolchain/toolchain-argv.ts";
import { SignerError } from "../error.ts";
import type { Signer } from "../signer.ts";
import { encodeFrame, type Frame, MAX_JSON_BYTES, readFrames } from "./frame.ts";
import { type AnswerError, answerSchema, type OpenMessage } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("./signer-program.ts", import.meta.url));
const GRACE_MS = 2000;
const STDERR_BYTES = 2000;

/** A signer in a process of its own. */
export interface SignerProcess extends Signer {
  readonly pid: number;
  /** Ends it: no request is answered any more. Returns when the process is gone. */
  stop(): Promise<void>;
}

/** What a signer is started with; the passphrase, or the token's PIN, goes over a pipe. */
export interface StartSignerRequest extends Omit<OpenMessage, "tree"> {
  /** Tools for keys that are in a token. */
  readonly tools?: ToolTree | null | undefined;
  readonly secret: string;
}

/**
 * Starts a signer's process and opens its keys for these purposes and no others. It ends with `stop`, and with this
 * process however that ends. Throws KeysError, ToolError or SignerError.
 */
export async function startSigner({ secret, dir, purposes, tools }: StartSignerRequest): Promise<SignerProcess> {
  // A process group of its own: a terminal's Ctrl-C is ours to answer. Its environment holds nothing of ours.
  const child = spawn(process.execPath, [PROGRAM], { stdio: ["pipe", "pipe", "pipe", "pipe"], env: { PATH: process.env["PATH"], LC_ALL: "C" }, detached: true });
  const line = new SignerLine(child);
  try {
    const pipe = child.stdio[3] as Writable;
    pipe.on("error", () => undefined);
    pipe.end(secret);
    await line.ask({ dir, purposes, tree: tools?.tree ?? null });
  } catch (error) {
    await line.stop();
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    stop: async () => await line.stop(),
    signUki: async (uki, { role, release }) => await line.ask({ op: "uki", role, release }, uki),
    signDocument: async (purpose, payload) => parseEnvelope(await line.ask({ op: "document", purpose }, payload)),
    signPolicy: async ({ purpose, uki, role }) => await line.ask({ op: "policy", purpose, role }, uki),
    signFile: async (kind, data) => await line.ask({ op: "file", kind }, data),
    issueIntermediate: async (role, spki, notAfter) => await line.ask({ op: "issuer", role, notAfter: notAfter.toISOString() }, spki),
  };
}

interface Waiting {
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** The two pipes to a signer: numbers what is asked, and gives each answer to who asked. */
class SignerLine {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #stderr = "";
  /** Why nothing more can be asked. */
  #over: Error | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_BYTES);
    });
    // Writing to one that is gone: its end says the same, and better.
    child.stdin?.on("error", () => undefined);
    this.#exited = new Promise((resolve) => {
      const done = (how: string): void => {
        this.#fail(new SignerError("SIGNER_GONE", `the signer ended (${how})${this.#stderr === "" ? "" : `: ${this.#stderr.trim()}`}`));
        resolve();
      };
      child.once("error", (cause) => done(`it could not be started: ${cause.message}`));
      child.once("close", (code, signal) => done(code === null ? `signal ${signal ?? "?"}` : `exit code ${code}`));
    });
    void this.#listen(child.stdout as Readable);
  }

  async ask(message: object, body?: Uint8Array): Promise<Uint8Array> {
    if (this.#over !== undefined) throw this.#over;
    // The opening is number 0 and carries no number.
    const id = this.#next++;
    const frame = encodeFrame(id === 0 ? message : { ...message, id }, body);
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin?.write(frame);
    });
  }

  async stop(): Promise<void> {
    this.#fail(new SignerError("SIGNER_GONE", "the signer was ended"));
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), GRACE_MS);
    await this.#exited;
    clearTimeout(late);
  }

  async #listen(stdout: Readable): Promise<void> {
    try {
      for await (const frame of readFrames(stdout)) this.#take(frame);
    } catch (cause) {
      this.#fail(new SignerError("BAD_FRAME", "the signer's answer can't be read", { cause }));
      this.#child.kill("SIGKILL");
    }
  }

  #take({ json, body }: Frame): void {
    const answer = parseJson(answerSchema, json, MAX_JSON_BYTES);
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) throw new SignerError("BAD_FRAME", "the signer answered what nobody asked");
    this.#waiting.delete(answer.id);
    if (answer.ok) waiting.resolve(body);
    else waiting.reject(errorOf(answer.error));
  }

  #fail(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#over);
    this.#waiting.clear();
  }
}

function errorOf(error: AnswerError): Error {
  switch (error.kind) {
    case "signer":
      return new SignerError(error.code, error.message);
    case "keys":
      return new KeysError(error.code, error.message);
    case "tool":
      return new ToolError(error.code, error.message);
  }
}
