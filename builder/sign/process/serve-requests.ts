import type { Writable } from "node:stream";
import { encodeEnvelope } from "../../../proto/dsse/dsse.ts";
import { sha256 } from "../../../proto/wire/bytes.ts";
import { WireError } from "../../../proto/wire/error.ts";
import { errorChain } from "../../../proto/wire/error-chain.ts";
import { toHex } from "../../../proto/wire/hex.ts";
import { parseJson } from "../../../proto/wire/json.ts";
import { KeysError } from "../../keys/error.ts";
import { type OpenKeys, openKeys } from "../../keys/open-keys.ts";
import type { PrivateKey } from "../../keys/private-key.ts";
import { PeError } from "../../pe/error.ts";
import { ToolError } from "../../toolchain/error.ts";
import { readDocument } from "../documents.ts";
import { SignerError } from "../error.ts";
import { makeFileSigner, type Signer } from "../signer.ts";
import { appendLog, openLog } from "../signing-log.ts";
import { type AnswerError, type OpenMessage, openSchema, type Purpose, purposeOf, requestSchema, type SignRequest } from "./protocol.ts";
import { encodeFrame, type Frame, MAX_JSON_BYTES } from "./frame.ts";

const MAX_MESSAGE = 8000;

/** What a signer's process gets from its surroundings. */
export interface SignerPorts {
  readonly frames: AsyncGenerator<Frame>;
  readonly answers: Writable;
  readonly readPassphrase: () => Promise<string>;
  readonly now: () => Date;
  readonly uid: number;
}

interface Opened {
  readonly dir: string;
  readonly keys: OpenKeys;
  readonly logKey: PrivateKey;
  readonly signer: Signer;
  readonly purposes: readonly Purpose[];
}

/** Opens the keys, then answers requests in their order until there are none. Throws SignerError `BAD_FRAME`; every other error is an answer. */
export async function serveRequests(ports: SignerPorts): Promise<void> {
  const first = await ports.frames.next();
  if (first.done === true) return;
  const opened = await answer(ports, 0, async () => await openAll(ports, parseMessage(openSchema, first.value)));
  if (opened === null) return;
  for await (const frame of ports.frames) {
    const request = parseMessage(requestSchema, frame);
    await answer(ports, request.id, async () => await signLogged(ports, opened, request, frame.body), (signed) => signed);
  }
}

async function openAll(ports: SignerPorts, { dir, purposes, tree }: OpenMessage): Promise<Opened> {
  const keys = await openKeys(dir, { secret: await ports.readPassphrase(), tools: tree === null ? null : { tree } });
  const [logKey] = keys.releaseSigningKeys;
  if (logKey === undefined) throw new SignerError("LOG_BROKEN", "there is no key to sign the log's head with");
  await openLog(dir, logKey, keys.releaseKeys);
  return { dir, keys, logKey, purposes, signer: makeFileSigner(keys) };
}

/** Signs, or refuses; either way the log says so before the answer leaves. */
async function signLogged(ports: SignerPorts, { dir, keys, logKey, signer, purposes }: Opened, request: SignRequest, body: Uint8Array): Promise<Uint8Array> {
  const purpose = purposeOf(request);
  const outcome = purposes.includes(purpose)
    ? await sign(signer, request, body).then((signed) => ({ signed }), (error: unknown) => ({ error }))
    : { error: new SignerError("NOT_OPEN", `this signer was not started to sign a ${purpose}`) };
  const refused = "error" in outcome ? describe(outcome.error).code : null;
  const entry = { at: ports.now().toISOString(), uid: ports.uid, purpose, ...aboutOf(request, body), digest: toHex(sha256(body)), refused };
  await appendLog(dir, entry, logKey, keys.releaseKeys);
  if ("error" in outcome) throw outcome.error;
  return outcome.signed;
}

async function sign(signer: Signer, request: SignRequest, body: Uint8Array): Promise<Uint8Array> {
  switch (request.op) {
    case "uki":
      return await signer.signUki(body, request);
    case "document":
      return encodeEnvelope(await signer.signDocument(request.purpose, body));
    case "policy":
      return await signer.signPolicy({ purpose: request.purpose, uki: body, role: request.role });
    case "file":
      return await signer.signFile(request.kind, body);
    case "issuer":
      return await signer.issueIntermediate(request.role, body, new Date(request.notAfter));
  }
}

function aboutOf(request: SignRequest, body: Uint8Array): { readonly role: string | null; readonly release: string | null } {
  switch (request.op) {
    case "uki":
      return { role: request.role, release: request.release };
    case "policy":
      return { role: request.role, release: null };
    case "file":
      return { role: null, release: null };
    case "issuer":
      return { role: request.role, release: null };
    case "document":
      return { role: null, release: releaseOf(request.purpose, body) };
  }
}

/** What can't be read names no release; the entry says that it was refused. */
function releaseOf(purpose: Extract<SignRequest, { readonly op: "document" }>["purpose"], body: Uint8Array): string | null {
  try {
    return readDocument(purpose, body).release;
  } catch {
    return null;
  }
}

async function answer<T>(ports: SignerPorts, id: number, work: () => Promise<T>, bodyOf: (value: T) => Uint8Array = () => new Uint8Array(0)): Promise<T | null> {
  try {
    const value = await work();
    ports.answers.write(encodeFrame({ id, ok: true }, bodyOf(value)));
    return value;
  } catch (error) {
    ports.answers.write(encodeFrame({ id, ok: false, error: describe(error) }));
    return null;
  }
}

/** An error as the other process may know it: a code of ours and a sentence. */
function describe(error: unknown): AnswerError {
  const message = errorChain(error).slice(0, MAX_MESSAGE);
  if (error instanceof KeysError) return { kind: "keys", code: error.code, message: error.message };
  if (error instanceof ToolError) return { kind: "tool", code: error.code, message };
  if (error instanceof SignerError) return { kind: "signer", code: error.code, message: error.message };
  if (error instanceof PeError || error instanceof WireError) return { kind: "signer", code: "MALFORMED", message };
  return { kind: "signer", code: "SIGNER_FAILED", message };
}

function parseMessage<T extends typeof openSchema | typeof requestSchema>(schema: T, { json }: Frame): ReturnType<T["parse"]> {
  try {
    return parseJson(schema, json, MAX_JSON_BYTES) as ReturnType<T["parse"]>;
  } catch (cause) {
    throw new SignerError("BAD_FRAME", "this is no request to a signer", { cause });
  }
}
