import { ALG, type HashAlg, hashSize } from "../tpm/alg.ts";

const IDS = {
  sha1: ALG.SHA1,
  sha256: ALG.SHA256,
  sha384: ALG.SHA384,
  sha512: ALG.SHA512,
  sm3: ALG.SM3_256,
  "sha3-256": ALG.SHA3_256,
  "sha3-384": ALG.SHA3_384,
  "sha3-512": ALG.SHA3_512,
} as const satisfies Readonly<Record<string, HashAlg>>;

/** A PCR bank by the name of its hash, as node:crypto writes it. */
export type BankName = keyof typeof IDS;

/** One bank: TPM_ALG_ID (TPM 2.0 Part 2, 6.3), name, and bytes of a digest. */
export interface Bank {
  readonly id: HashAlg;
  readonly name: BankName;
  readonly size: number;
}

/** Every hash that a crypto-agile log may announce; an algorithm outside of this list is refused. */
export const BANKS: readonly Bank[] = Object.entries(IDS).map(([name, id]) => ({ id, name: name as BankName, size: hashSize(id) }));

const byId = new Map<number, Bank>(BANKS.map((bank) => [bank.id, bank]));

/** The bank with this TPM_ALG_ID. */
export function bankOf(id: number): Bank | undefined {
  return byId.get(id);
}

/** Whether a word of a command line names a bank. */
export function isBankName(name: string): name is BankName {
  return Object.hasOwn(IDS, name);
}
