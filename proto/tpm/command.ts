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

/** Authorization of one handle: an empty password, or a policy session. */
export interface Authorization {
  readonly session: number;
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
  /** Reads all parameters of the response; `handle` is 0 where none comes back. Throws WireError. */
  parse(r: ByteReader, handle: number): T;
}

/** Command → packet (Part 1, 18.2–18.6). */
export function encodeCommand(command: TpmCommand<unknown>): Uint8Array {
  const body = new ByteWriter();
  for (const handle of command.handles) body.u32be(handle);
  if (command.auth.length > 0) {
    const area = new ByteWriter();
    // No nonce, no attributes (so a session ends with its command), no password or HMAC.
    for (const { session } of command.auth) area.u32be(session).u16be(0).u8(0).u16be(0);
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
  const parameters = new ByteReader(r.bytes(r.u32be()));
  const result = command.parse(parameters, handle);
  parameters.end();
  for (let i = 0; i < command.auth.length; i++) {
    r.sized16be(MAX_NONCE_BYTES);
    r.u8();
    r.sized16be(MAX_NONCE_BYTES);
  }
  r.end();
  return result;
}
