import { bodyOf, signatureEntries, type SignatureEntry } from "../../proto/eventlog/signature-list.ts";
import type { PcrRule } from "../../proto/release/release.ts";
import { sha256 } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import type { Difference } from "./difference.ts";
import type { SecureBootState, SignedList } from "./secure-boot.ts";

type SecureBootRule = Extract<PcrRule, { rule: "secure-boot" }>;

/**
 * PCR 7 where the firmware's dbx and option ROMs can't be foreseen (DESIGN §2.5 `rule`; P25): PK, KEK and db are exactly ours, with no
 * entry that isn't a certificate, and dbx has at least the floor. One difference for each variable.
 */
export function diffSecureBoot(rule: SecureBootRule, pcr: number, state: SecureBootState): readonly Difference[] {
  const wanted = [
    ["PK", rule.pk, state.pk],
    ["KEK", rule.kek, state.kek],
    ["db", rule.db, state.db],
  ] as const;
  const keys = wanted.flatMap(([name, digests, list]) => {
    const found = signatureEntries(list.data).map(identify);
    const foreign = found.find((d) => !digests.includes(d));
    const missing = digests.find((d) => !found.includes(d));
    return foreign === undefined && missing === undefined ? [] : [difference(pcr, name, list, { missing, foreign })];
  });
  const forbidden = new Set(signatureEntries(state.dbx.data).map(identify));
  const missing = rule.dbxFloor.find((d) => !forbidden.has(d));
  return missing === undefined ? keys : [...keys, difference(pcr, "dbx", state.dbx, { missing })];
}

/** A certificate by SHA-256 of its DER, a hash by itself; anything else can't be ours. */
function identify(entry: SignatureEntry): string {
  const { kind } = entry;
  const body = bodyOf(entry);
  if (kind === "certificate") return toHex(sha256(body));
  return kind === "sha256" ? toHex(body) : `another kind of entry, ${body.length} bytes`;
}

function difference(pcr: number, name: string, { index }: SignedList, said: { readonly missing?: string | undefined; readonly foreign?: string | undefined }): Difference {
  const { missing, foreign } = said;
  const expected = missing === undefined ? "no other entry" : { digest: missing, what: `in ${name}, by the release` };
  const found = foreign === undefined ? `${name} without it` : `${foreign} in ${name}`;
  return { at: "event", code: "SECURE_BOOT_POLICY_WRONG", pcr, index, type: "EV_EFI_VARIABLE_DRIVER_CONFIG", expected, found, area: `UEFI variable ${name}` };
}
