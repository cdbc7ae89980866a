/** A UEFI variable. */
export interface EfiVariable {
  readonly name: string;
  /** 16 bytes, see {@link VENDOR}. */
  readonly vendor: Uint8Array;
  /** Sum of {@link ATTRIBUTE}. */
  readonly attributes: number;
  /** When it was last written by a signed update; none for a variable that takes no such update. */
  readonly time?: Date;
  readonly data: Uint8Array;
}

/** Attributes of variables (UEFI 2.10 §8.2.1). */
export const ATTRIBUTE = { nonVolatile: 0x01, bootService: 0x02, runtime: 0x04, timeBasedAuthentication: 0x20 } as const;

/** What firmware's own settings have. */
export const SETTING: number = ATTRIBUTE.nonVolatile | ATTRIBUTE.bootService;

/** What PK, KEK, db and dbx have: only an update that is signed by the next higher key is taken. */
export const AUTHENTICATED: number = SETTING | ATTRIBUTE.runtime | ATTRIBUTE.timeBasedAuthentication;

/** EFI_TIME (UEFI 2.10 §8.3) in UTC, to the second; 16 bytes. What authenticates a variable has nothing finer, no zone and no daylight. */
export function efiTime(time: Date | undefined): Uint8Array {
  const bytes = new Uint8Array(16);
  if (time === undefined) return bytes;
  const view = new DataView(bytes.buffer);
  view.setUint16(0, time.getUTCFullYear(), true);
  bytes.set([time.getUTCMonth() + 1, time.getUTCDate(), time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()], 2);
  return bytes;
}

/** UTF-16LE, as names of variables are stored and measured; without NUL. */
export function utf16(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf16le"));
}
