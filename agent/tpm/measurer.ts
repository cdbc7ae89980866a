import { parseEventLog } from "../../proto/eventlog/event-log.ts";
import { isBankName } from "../../proto/eventlog/bank.ts";
import { canHash, initialPcr, replayEventLog } from "../../proto/eventlog/replay.ts";
import { encodeUserspaceRecord } from "../../proto/eventlog/userspace.ts";
import { EVIDENCE_LIMITS, PHASE_WORDS } from "../../proto/evidence/limits.ts";
import { ALG, type HashAlg, hashName } from "../../proto/tpm/alg.ts";
import { concatBytes, utf8 } from "../../proto/wire/bytes.ts";
import { AgentError } from "../error.ts";
import { PATHS } from "../paths.ts";
import type { Files } from "../ports.ts";
import { createSerialize, type Serialize } from "../serialize.ts";
import type { AgentTpm } from "./agent-tpm.ts";
import { countWords, type PhaseWord } from "./measured-words.ts";

/** The PCR of the UKI's sections and of the phase words. */
export const PHASE_PCR = 11;

/** The two logs that explain the PCRs at one moment. */
export interface Logs {
  readonly firmwareLog: Uint8Array;
  readonly userspaceLog: Uint8Array;
}

/**
 * The only one that extends PCR 11 while the agent lives. Every word goes in once, in the fixed order, also across
 * restarts: what was extended is read from the TPM itself. Evidence is made in the same queue, so that no quote falls between a
 * word and its record.
 */
export class Measurer {
  readonly #tpm: AgentTpm;
  readonly #files: Files;
  readonly #bootId: string;
  readonly #firmwareLog: Uint8Array;
  readonly #serialize: Serialize = createSerialize();
  /** Banks that are active in the TPM, SHA-256 first: a quote covers all of them (P20), and every record tells them. */
  readonly banks: readonly HashAlg[];
  #words: number;

  private constructor(tpm: AgentTpm, files: Files, bootId: string, firmwareLog: Uint8Array, banks: readonly HashAlg[], words: number) {
    this.#tpm = tpm;
    this.#files = files;
    this.#bootId = bootId;
    this.#firmwareLog = firmwareLog;
    this.banks = banks;
    this.#words = words;
  }

  /** Reads the firmware's log, the TPM's banks and PCR 11. Throws {@link AgentError} `PCR_UNEXPLAINED`, EventLogError, WireError or TpmError. */
  static async start(tpm: AgentTpm, files: Files, bootId: string): Promise<Measurer> {
    const log = await files.read(PATHS.firmwareLog, EVIDENCE_LIMITS.firmwareLog);
    if (log === null) throw new AgentError("PCR_UNEXPLAINED", "the firmware left no event log");
    const afterFirmware = replayEventLog(parseEventLog(log), "sha256").get(PHASE_PCR) ?? initialPcr(PHASE_PCR, 32, 0);
    const pcr11 = (await tpm.readPcrs([PHASE_PCR])).get(PHASE_PCR);
    if (pcr11 === undefined) throw new AgentError("TPM_MISSING", "the TPM has no PCR 11 in its SHA-256 bank");
    const others = (await tpm.getBanks()).map(({ hash }) => hash).filter((hash) => hash !== ALG.SHA256);
    return new Measurer(tpm, files, bootId, log, [ALG.SHA256, ...others], countWords(pcr11, afterFirmware));
  }

  /** The last word in PCR 11. */
  get phase(): PhaseWord {
    return PHASE_WORDS[this.#words - 1] ?? PHASE_WORDS[0];
  }

  /** Whether the word stands in PCR 11 already. */
  has(word: PhaseWord): boolean {
    return PHASE_WORDS.indexOf(word) < this.#words;
  }

  /**
   * Extends the word unless it stands there; its record is on file before the TPM hears of it. TPM2_PCR_Event, as init does: the TPM itself hashes
   * the word for every bank that is active, so none is left for somebody else to fill.
   */
  async reach(word: PhaseWord): Promise<void> {
    await this.#serialize(async () => {
      if (this.has(word)) return;
      if (PHASE_WORDS[this.#words] !== word) throw new AgentError("PCR_UNEXPLAINED", `${word} can't follow ${this.phase}`);
      await this.#files.write(PATHS.measureLog, this.#log(this.#words + 1), { mode: 0o600 });
      await this.#tpm.pcrEvent(PHASE_PCR, utf8(word));
      this.#words++;
    });
  }

  /** Runs `job` while no word can be extended, with the logs of exactly this moment. */
  async withLogs<T>(job: (logs: Logs) => Promise<T>): Promise<T> {
    return await this.#serialize(() => job({ firmwareLog: this.#firmwareLog, userspaceLog: this.#log(this.#words) }));
  }

  #log(words: number): Uint8Array {
    // A bank whose hash this runtime lacks stays untold, and the hub says so.
    const banks = this.banks.map(hashName).filter(isBankName).filter(canHash);
    const records = PHASE_WORDS.slice(0, words).map((word) => encodeUserspaceRecord({ pcr: PHASE_PCR, word, bootId: this.#bootId, banks }));
    return concatBytes(...records);
  }
}
