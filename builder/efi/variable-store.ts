import { crc32 } from "node:zlib";
import { ByteWriter } from "../../proto/wire/writer.ts";
import { guidBytes } from "./guid.ts";
import { type EfiVariable, efiTime, utf16 } from "./variable.ts";

/** Layout of OVMF's 4 MiB build (edk2 OvmfPkg/Include/Fdf/VarStore.fdf.inc): variables, event log, fault tolerant write. */
const BLOCK_BYTES = 0x1000;
const STORE_BYTES = 0x40000;
const WORKING_OFFSET = STORE_BYTES + BLOCK_BYTES;
const VOLUME_BYTES = 0x84000;
const VOLUME_HEADER_BYTES = 72;
const STORE_HEADER_BYTES = 28;
const WORKING_HEADER_BYTES = 32;

const NV_DATA_VOLUME = guidBytes("fff12b8d-7696-4c8b-a985-2747075b4f50");
const AUTHENTICATED_STORE = guidBytes("aaf32c78-947b-439a-a180-2e144ec37792");
const WORKING_BLOCK = guidBytes("9e58292b-7c68-497d-a0ce-6500fd9f1b95");
/** EFI_FVB_ATTRIBUTES_2: read, written and locked by the rules of flash whose erased bits are ones, aligned to 16 bytes. */
const VOLUME_ATTRIBUTES = 0x0004feff;
/** VARIABLE_STORE_FORMATTED and VARIABLE_STORE_HEALTHY. */
const FORMATTED = 0x5a;
const HEALTHY = 0xfe;
const VARIABLE_START = 0x55aa;
/** VAR_ADDED: header and data are valid, nothing replaced them. */
const ADDED = 0x3f;
/** Erased flash. */
const ERASED = 0xff;

/**
 * OVMF_VARS_4M.fd with these variables: a firmware volume that holds one authenticated variable store (edk2
 * MdePkg PiFirmwareVolume.h, MdeModulePkg VariableFormat.h, SystemNvDataGuid.h). 528 KiB, all little-endian.
 * Throws RangeError where they don't fit.
 */
export function makeVariableStore(variables: readonly EfiVariable[]): Uint8Array {
  const file = new Uint8Array(VOLUME_BYTES).fill(ERASED);
  file.set(volumeHeader());
  file.set(storeHeader(), VOLUME_HEADER_BYTES);
  let at = VOLUME_HEADER_BYTES + STORE_HEADER_BYTES;
  for (const variable of variables) {
    const entry = encodeVariable(variable);
    if (at + entry.length > STORE_BYTES) throw new RangeError("the variables don't fit the store");
    file.set(entry, at);
    at = Math.ceil((at + entry.length) / 4) * 4;
  }
  file.set(workingHeader(), WORKING_OFFSET);
  return file;
}

/** EFI_FIRMWARE_VOLUME_HEADER with one run of blocks; all its 16-bit words add up to zero. */
function volumeHeader(): Uint8Array {
  const header = new ByteWriter()
    .bytes(new Uint8Array(16))
    .bytes(NV_DATA_VOLUME)
    .u64le(BigInt(VOLUME_BYTES))
    .bytes(Uint8Array.from(Buffer.from("_FVH")))
    .u32le(VOLUME_ATTRIBUTES)
    .u16le(VOLUME_HEADER_BYTES)
    .u16le(0)
    .u16le(0)
    .u8(0)
    .u8(2)
    .u32le(VOLUME_BYTES / BLOCK_BYTES)
    .u32le(BLOCK_BYTES)
    .u64le(0n)
    .done();
  const view = new DataView(header.buffer);
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += view.getUint16(at, true);
  view.setUint16(50, -sum & 0xffff, true);
  return header;
}

/** VARIABLE_STORE_HEADER; its size leaves out the volume's header. */
function storeHeader(): Uint8Array {
  return new ByteWriter().bytes(AUTHENTICATED_STORE).u32le(STORE_BYTES - VOLUME_HEADER_BYTES).u8(FORMATTED).u8(HEALTHY).u16le(0).u32le(0).done();
}

/** AUTHENTICATED_VARIABLE_HEADER, name with NUL, data. No counter and no index of a key: both belong to an older form of signed update. */
function encodeVariable({ name, vendor, attributes, time, data }: EfiVariable): Uint8Array {
  const text = utf16(`${name}\0`);
  return new ByteWriter()
    .u16le(VARIABLE_START)
    .u8(ADDED)
    .u8(0)
    .u32le(attributes)
    .u64le(0n)
    .bytes(efiTime(time))
    .u32le(0)
    .u32le(text.length)
    .u32le(data.length)
    .bytes(vendor)
    .bytes(text)
    .bytes(data)
    .done();
}

/** EFI_FAULT_TOLERANT_WORKING_BLOCK_HEADER: valid and empty. Its CRC-32 is over itself with checksum and state still erased. */
function workingHeader(): Uint8Array {
  const header = new ByteWriter().bytes(WORKING_BLOCK).u32le(0xffffffff).u32le(0xffffffff).u64le(BigInt(BLOCK_BYTES - WORKING_HEADER_BYTES)).done();
  const view = new DataView(header.buffer);
  const sum = crc32(header);
  view.setUint32(16, sum, true);
  // WORKING_BLOCK_VALID: the first bit is cleared.
  header[20] = HEALTHY;
  return header;
}
