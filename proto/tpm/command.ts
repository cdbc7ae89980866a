import { WireError } from "../wire/error.ts";
import { ByteReader } from "../wire/reader.ts";
import { ByteWriter } from "../wire/writer.ts";
import { CC, type CommandName, RH } from "./handles.ts";
import { RC_SUCCESS, rcName } from "./rc.ts";
import { TpmError } from "./tpm-error.ts";

const ST_NO_SESSIONS = 0x8001;
const ST_SESSIONS = 0x8002;
/** Larger than any response of the commands here; a real TPM's own limit is 4096 too. */
const MAX_RESPONSE_BYTES = 4096;
const MAX_NONCE_BYTES = 64;

/** Authorization of one handle: an empty password, or a policy session; what is behind `session` only for a salted one (salted-session.ts). */
export interface Authorization {
  readonly session: number;
  readonly nonce?: Uint8Array;
  /** TPMA_SESSION; 0 ends the session with its command. */
  readonly attributes?: number;
  readonly hmac?: Uint8Array;
}

/** What the TPM answers in one authorization's place. */
export interface SessionAnswer {
  readonly nonce: Uint8Array;
  readonly attributes: number;
  readonly hmac: Uint8Array;
}

/** The empty password: nothing that kubedos uses in a TPM has another, and its policies say why that is enough. */
export const EMPTY_PASSWORD: Authorization = { session: RH.PW };

/** One command: what goes out, and how to read what comes back. Pure data; TpmClient sends it. */
export interface TpmCommand<T> {
  readonly name: CommandName;
  readonly handles: readonly number[];
  /** One for each handle that needs it, in order; none: the command goes without sessions. */
  readonly auth: readonly Authorization[];
  readonly parameters: Uint8Array;
  /** Whether a handle comes back. */
  readonly returnsHandle: boolean;
  /** Checks and decrypts the response's parameters, where a salted session protects them. Throws WireError. */
  readonly open?: (parameters: Uint8Array, sessions: readonly SessionAnswer[]) => Uint8Array;
  /** Reads all parameters of the response; `handle` is 0 where none comes back. Throws WireError. */
  parse(r: ByteReader, handle: number): T;
}

/** Command → packet (Part 1, 18.2–18.6). */
export function encodeCommand(command: TpmCommand<unknown>): Uint8Array {
  const body = new ByteWriter();
  for (const handle of command.handles) body.u32be(handle);
  if (command.auth.length > 0) {
    const area = new ByteWriter();
    // An ordinary session has no nonce, no attributes (so it ends with its command), no password or HMAC.
    const none = new Uint8Array(0);
    for (const { session, nonce = none, attributes = 0, hmac = none } of command.auth) area.u32be(session).sized16be(nonce).u8(attributes).sized16be(hmac);
    const bytes = area.done();
    body.u32be(bytes.length).bytes(bytes);
  }
  const rest = body.bytes(command.parameters).done();
  const tag = command.auth.length > 0 ? ST_SESSIONS : ST_NO_SESSIONS;
  return new ByteWriter().u16be(tag).u32be(10 + rest.length).u32be(CC[command.name]).bytes(rest).done();
}

/**
 * Packet → result. Throws TpmError: `REFUSED` with the TPM's code, `MALFORMED` for everything that is no response to
 * this command, leftovers included.
 */
export function decodeResponse<T>(command: TpmCommand<T>, packet: Uint8Array): T {
  try {
    // A copy, since results are views on it and a transport may use its buffer again.
    return readResponse(command, new Uint8Array(packet));
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new TpmError("MALFORMED", `the response to TPM2_${command.name} is malformed`, { cause });
  }
}

function readResponse<T>(command: TpmCommand<T>, packet: Uint8Array): T {
  if (packet.length > MAX_RESPONSE_BYTES) throw new WireError("TOO_LARGE", `response of ${packet.length} bytes`);
  const r = new ByteReader(packet);
  const tag = r.u16be();
  const size = r.u32be();
  if (size !== packet.length) throw new WireError("BAD_VALUE", `response says ${size} bytes, ${packet.length} came`);
  const rc = r.u32be();
  if (rc !== RC_SUCCESS) {
    r.end();
    throw new TpmError("REFUSED", `the TPM refused TPM2_${command.name}: ${rcName(rc)}`, { rc });
  }
  const expected = command.auth.length > 0 ? ST_SESSIONS : ST_NO_SESSIONS;
  if (tag !== expected) throw new WireError("BAD_VALUE", `response tag 0x${tag.toString(16)}`);
  const handle = command.returnsHandle ? r.u32be() : 0;
  if (command.auth.length === 0) {
    const result = command.parse(r, handle);
    r.end();
    return result;
  }
  const raw = r.bytes(r.u32be());
  const sessions = command.auth.map((): SessionAnswer => ({ nonce: r.sized16be(MAX_NONCE_BYTES), attributes: r.u8(), hmac: r.sized16be(MAX_NONCE_BYTES) }));
  r.end();
  const parameters = new ByteReader(command.open === undefined ? raw : command.open(raw, sessions));
  const result = command.parse(parameters, handle);
  parameters.end();
  return result;
}
