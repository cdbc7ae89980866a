import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Challenge, Known, UnverifiedEvidence } from "../../hub/attest/types.ts";
import type { Claims } from "../../proto/evidence/claims.ts";
import { verifierContext } from "../../proto/evidence/extra-data.ts";
import { PHASE_WORDS } from "../../proto/evidence/limits.ts";
import type { BankName } from "../../proto/eventlog/bank.ts";
import { describeEvent } from "../../proto/eventlog/describe.ts";
import { bankIndex, parseEventLog } from "../../proto/eventlog/event-log.ts";
import { groupByPcr, replayEventLog } from "../../proto/eventlog/replay.ts";
import { encodeUserspaceRecord } from "../../proto/eventlog/userspace.ts";
import type { ExpectedEvent, PcrRule, Release } from "../../proto/release/release.ts";
import { nameOf } from "../../proto/tpm/public.ts";
import { toBase64 } from "../../proto/wire/base64.ts";
import { concatBytes } from "../../proto/wire/bytes.ts";
import { toHex } from "../../proto/wire/hex.ts";
import { canonicalJson } from "../../proto/wire/json.ts";
import { vectorsDir } from "../vectors.ts";

export const CLUSTER = "demo";
export const ROLE = "worker";
export const BOOT_ID = "a4852c21-6df1-4148-ba93-00485be83aaf";
/** What a healthy machine has said before its first quote. */
export const WORDS: readonly string[] = PHASE_WORDS.slice(0, 3);

/** Firmware log of a real boot with a UKI, recorded (own-boot/b1). */
export const firmwareLog: Uint8Array = new Uint8Array(readFileSync(join(vectorsDir, "own-boot/b1/binary_bios_measurements")));

/** The banks of that boot. */
export const BANK_NAMES: readonly BankName[] = parseEventLog(firmwareLog).banks.map((bank) => bank.name);

/** Userspace log of these words in PCR 11, in every bank of the recorded boot. */
export function userspaceLogOf(words: readonly string[], banks = BANK_NAMES): Uint8Array {
  return concatBytes(...words.map((word) => encodeUserspaceRecord({ pcr: 11, word, bootId: BOOT_ID, banks })));
}

/** SPKI of a new P-256 key. */
export function newSpki(): Uint8Array {
  return new Uint8Array(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" }));
}

/** Claims with everything in them that a worker's have. */
export function claimsOf(tls: Uint8Array, changes: Partial<Claims> = {}): Uint8Array {
  const wireguard = { wg1: toBase64(randomBytes(32)), wg2: toBase64(randomBytes(32)), wg3: toBase64(randomBytes(32)) };
  const claims: Claims = { kind: "kubedos/claims", version: 1, stage: "admission", cluster: CLUSTER, role: ROLE, bootId: BOOT_ID, tls: toBase64(tls), wireguard, hint: null };
  return canonicalJson({ ...claims, ...changes });
}

/** What a verifier asks, before it is tied to keys. */
export type Asked = Omit<Challenge, "ekName" | "akName">;

/** The challenge for the machine whose evidence this is, as its hello would have named the keys. */
export function challengeFor(asked: Asked, keys: Pick<UnverifiedEvidence, "ekPublic" | "akPublic">): Challenge {
  return { ...asked, ekName: toHex(nameOf(keys.ekPublic)), akName: toHex(nameOf(keys.akPublic)) };
}

/** A challenge that is open from 1000 to 2000 of its clock. */
export function newChallenge(): Asked {
  return { nonce: new Uint8Array(randomBytes(32)), secret: new Uint8Array(randomBytes(32)), verifier: verifierContext(CLUSTER, newSpki()), issuedAt: 1000, expiresAt: 2000 };
}

/** A release whose image of `role` is exactly the machine with this firmware log, by the rules that the builder writes. */
export function releaseOf(log: Uint8Array, role = ROLE, generation = 1): Release {
  const parsed = parseEventLog(log);
  const at = bankIndex(parsed, "sha256");
  const values = replayEventLog(parsed, "sha256");
  const events = (pcr: number): ExpectedEvent[] =>
    (groupByPcr(parsed.events).get(pcr) ?? []).map((e) => {
      const digest = e.digests[at] ?? new Uint8Array(32);
      return { type: e.typeName, digest: toHex(digest), what: describeEvent(e, digest) };
    });
  const exact = (pcr: number): PcrRule => ({ rule: "exact", events: events(pcr), value: toHex(values.get(pcr) ?? new Uint8Array(32)) });
  const pcrs: Record<string, PcrRule> = {};
  for (const pcr of [0, 1, 2, 3]) pcrs[pcr] = { rule: "pinned" };
  for (const pcr of [5, 6, 9]) pcrs[pcr] = { rule: "replayed" };
  for (const pcr of [12, 13, 14]) pcrs[pcr] = { rule: "zero" };
  pcrs[4] = exact(4);
  pcrs[7] = exact(7);
  pcrs[11] = { rule: "words", events: events(11), words: [...PHASE_WORDS], earliest: "kubedos-agent" };
  const zero = "0".repeat(64);
  return {
    kind: "kubedos/release",
    version: 1,
    cluster: CLUSTER,
    id: "0123456789abcdef",
    generation,
    epoch: 0,
    images: [{ role, target: "qemu", purpose: "node", disk: { file: "d", size: 1, sha256: zero }, uki: { sha256: zero, authenticode: zero }, rootHash: zero, pcrs }],
  };
}

/** What a hub knows of a machine that it has pinned and not yet approved. */
export function knownOf(peerKey: Uint8Array | null, releases: readonly Release[]): Known {
  return { cluster: CLUSTER, peerKey, releases, pinnedRole: ROLE, ekCertificate: null, baseline: null, lastClock: null, now: 1500 };
}
