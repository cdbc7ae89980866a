/** Command codes (TPM_CC, Part 2, table 12) of the commands that the client knows. */
export const CC = {
  NV_DefineSpace: 0x012a,
  PCR_Allocate: 0x012b,
  CreatePrimary: 0x0131,
  NV_Write: 0x0137,
  PCR_Event: 0x013c,
  Startup: 0x0144,
  ActivateCredential: 0x0147,
  CertifyCreation: 0x014a,
  NV_Read: 0x014e,
  PolicySecret: 0x0151,
  Create: 0x0153,
  Load: 0x0157,
  Quote: 0x0158,
  Unseal: 0x015e,
  FlushContext: 0x0165,
  LoadExternal: 0x0167,
  NV_ReadPublic: 0x0169,
  PolicyAuthorize: 0x016a,
  ReadPublic: 0x0173,
  StartAuthSession: 0x0176,
  VerifySignature: 0x0177,
  GetCapability: 0x017a,
  GetRandom: 0x017b,
  PCR_Read: 0x017e,
  PolicyPCR: 0x017f,
  PCR_Extend: 0x0182,
} as const;

/** A command by its specification's name, without `TPM2_`. */
export type CommandName = keyof typeof CC;

/** Permanent handles (TPM_RH, Part 2, table 28). */
export const RH = { OWNER: 0x40000001, NULL: 0x40000007, PW: 0x40000009, ENDORSEMENT: 0x4000000b, PLATFORM: 0x4000000c } as const;

/** First handle of each range that GetCapability lists (TPM_HT in the top byte). */
export const HANDLE_RANGE = { nvIndex: 0x01000000, loadedSession: 0x02000000, savedSession: 0x03000000, transient: 0x80000000 } as const;
