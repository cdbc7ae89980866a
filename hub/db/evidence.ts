import type { DatabaseSync, StatementSync } from "node:sqlite";
import { z } from "zod";
import { ATTEST_CODES, type AttestCode } from "../attest/codes.ts";
import { EVIDENCE_FIELDS, type Finding } from "../attest/finding.ts";
import type { Challenge, UnverifiedEvidence } from "../attest/types.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { blob, int, type Row, text } from "./columns.ts";

/**
 * The last evidence of an identity and what it answered: enough to give the same verdict again. Nonce and secret are
 * spent: challenges live in memory alone, so nothing in here can be played again.
 */
export interface StoredEvidence {
  readonly atMs: number;
  /** Code of the verdict, empty when it passed. */
  readonly code: string;
  readonly evidence: UnverifiedEvidence;
  readonly nonce: Uint8Array;
  readonly expectedSecret: Uint8Array;
  readonly verifier: Uint8Array;
  /** SPKI that the TLS peer proved. */
  readonly peerKey: Uint8Array;
  /** Empty: nobody had stamped this EK. */
  readonly pinnedRole: string;
}

/** What was judged, for {@link EvidenceRows.put}. */
export interface JudgedEvidence {
  readonly evidence: UnverifiedEvidence;
  readonly challenge: Challenge;
  readonly peerKey: Uint8Array;
  readonly pinnedRole: string | null;
  readonly code: string;
}

const pcr = z.int().min(0).max(23);
const words = { code: z.enum(Object.keys(ATTEST_CODES) as [AttestCode, ...AttestCode[]]), what: z.string(), expected: z.string(), found: z.string(), cause: z.string() };
const findingSchema = z.discriminatedUnion("at", [
  z.strictObject({ at: z.literal("event"), pcr, index: z.int().min(0), type: z.string(), ...words }),
  z.strictObject({ at: z.literal("pcr"), pcr, ...words }),
  z.strictObject({ at: z.literal("field"), field: z.enum(EVIDENCE_FIELDS), ...words }),
]) satisfies z.ZodType<Finding>;
const MAX_FINDINGS = 256;
const COLUMNS = [
  ...["identity", "at_ms", "code", "nonce", "verifier", "expected_secret", "peer_key", "pinned_role"],
  ...["ek_public", "ak_public", "secret", "quote", "signature", "claims", "firmware_log", "userspace_log"],
];

/** Evidence and findings, one set for each identity: the newest replaces the one before. */
export class EvidenceRows {
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #clear: StatementSync;
  readonly #addFinding: StatementSync;
  readonly #findings: StatementSync;

  constructor(db: DatabaseSync) {
    this.#put = db.prepare(`INSERT OR REPLACE INTO evidence (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`);
    this.#get = db.prepare("SELECT * FROM evidence WHERE identity = ?");
    this.#clear = db.prepare("DELETE FROM findings WHERE identity = ?");
    this.#addFinding = db.prepare("INSERT INTO findings (identity, n, finding) VALUES (?, ?, ?)");
    this.#findings = db.prepare("SELECT finding FROM findings WHERE identity = ? ORDER BY n");
  }

  /** Keeps what was judged and how. Call inside the transaction of the verdict's transition. */
  put(identity: string, judged: JudgedEvidence, nowMs: number): void {
    const { evidence: e, challenge: c } = judged;
    const before = [identity, Math.floor(nowMs), judged.code, c.nonce, c.verifier, c.secret, judged.peerKey, judged.pinnedRole ?? ""];
    this.#put.run(...before, e.ekPublic, e.akPublic, e.secret, e.quote, e.signature, e.claims, e.firmwareLog, e.userspaceLog);
  }

  /** Keeps why a verdict was no, in place of what was kept before; none: it was yes. Also for who has proved nothing: a refusal before the proof has one finding. */
  putFindings(identity: string, findings: readonly Finding[]): void {
    this.#clear.run(identity);
    findings.slice(0, MAX_FINDINGS).forEach((finding, n) => this.#addFinding.run(identity, n, JSON.stringify(finding)));
  }

  get(identity: string): StoredEvidence | null {
    const row = this.#get.get(identity);
    return row === undefined ? null : fromRow(row);
  }

  findings(identity: string): readonly Finding[] {
    return this.#findings.all(identity).map((row) => parseJson(findingSchema, utf8(text(row, "finding")), 65536));
  }
}

function fromRow(row: Row): StoredEvidence {
  return {
    atMs: int(row, "at_ms"),
    code: text(row, "code"),
    nonce: blob(row, "nonce"),
    expectedSecret: blob(row, "expected_secret"),
    verifier: blob(row, "verifier"),
    peerKey: blob(row, "peer_key"),
    pinnedRole: text(row, "pinned_role"),
    evidence: {
      ekPublic: blob(row, "ek_public"),
      akPublic: blob(row, "ak_public"),
      secret: blob(row, "secret"),
      quote: blob(row, "quote"),
      signature: blob(row, "signature"),
      claims: blob(row, "claims"),
      firmwareLog: blob(row, "firmware_log"),
      userspaceLog: blob(row, "userspace_log"),
    },
  };
}
