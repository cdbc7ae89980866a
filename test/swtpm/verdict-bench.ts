import { judge } from "../../hub/attest/judge.ts";
import type { Known, UnverifiedEvidence, Verdict } from "../../hub/attest/types.ts";
import { parseEventLog, type UnverifiedEventLog } from "../../proto/eventlog/event-log.ts";
import { isExtended } from "../../proto/eventlog/replay.ts";
import type { Release } from "../../proto/release/release.ts";
import { TpmClient } from "../../proto/tpm/client.ts";
import { type Asked, challengeFor, claimsOf, firmwareLog, knownOf, newChallenge, newSpki, ROLE, userspaceLogOf, WORDS } from "../fakes/evidence-case.ts";
import { answerWith, type Machine } from "./boot-machine.ts";
import { bankDigests, banksOf, measureUserspace } from "./measure-initrd.ts";
import { measureHcrtm, resetSwtpm, setLocality } from "./reset-swtpm.ts";
import { startSwtpm, type Swtpm } from "./start-swtpm.ts";

/** What a machine measured: without it, the recorded boot's logs. */
export interface Measured {
  readonly firmwareLog?: Uint8Array;
  readonly userspaceLog?: Uint8Array;
}

/** One boot and what is judged of it; whatever is left out is the recorded boot's own. */
export interface Boot extends Measured {
  /** What the machine shows, where it isn't what it measured. */
  readonly shown?: Measured;
  readonly role?: string;
  readonly releases?: readonly Release[];
  readonly known?: Partial<Known>;
}

interface Booted extends Pick<Machine, "ek" | "ak" | "banks"> {
  readonly name: string;
}

/**
 * One software TPM that is booted again and again, each time with what a log says was measured: reset, Startup at the log's locality,
 * every event extended. So a test changes one thing in a recorded boot, and the TPM itself signs what came of it.
 */
export class VerdictBench {
  readonly tls: Uint8Array = newSpki();
  readonly #releases: readonly Release[];
  #swtpm: Promise<Swtpm> | null = null;
  #booted: Booted | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** `releases` are those that {@link verdictOn} judges by, where the boot names no others. */
  constructor(releases: readonly Release[]) {
    this.#releases = releases;
  }

  /** The verdict on a machine that really booted like this. Calls take turns. */
  async verdictOn(boot: Boot = {}): Promise<Verdict> {
    const asked = newChallenge();
    const evidence = await this.answer(asked, boot);
    return judge(evidence, challengeFor(asked, evidence), { ...knownOf(this.tls, boot.releases ?? this.#releases), ...boot.known });
  }

  /** The evidence alone. */
  answer(challenge: Asked, boot: Boot = {}): Promise<UnverifiedEvidence> {
    const mine = this.#turn.then(() => this.#answer(challenge, boot));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async stop(): Promise<void> {
    await this.#turn;
    await (await this.#swtpm)?.stop();
  }

  async #answer(challenge: Asked, boot: Boot): Promise<UnverifiedEvidence> {
    const swtpm = await (this.#swtpm ??= startSwtpm());
    const client = new TpmClient(swtpm.transport);
    const measured = { firmwareLog: boot.firmwareLog ?? firmwareLog, userspaceLog: boot.userspaceLog ?? userspaceLogOf(WORDS) };
    return answerWith(client, await this.#boot(swtpm, client, measured), { challenge, claims: claimsOf(this.tls, { role: boot.role ?? ROLE }), ...measured, ...boot.shown });
  }

  async #boot(swtpm: Swtpm, client: TpmClient, measured: Required<Measured>): Promise<Booted> {
    const name = Buffer.concat([measured.firmwareLog, Buffer.of(0), measured.userspaceLog]).toString("latin1");
    if (this.#booted?.name === name) return this.#booted;
    const log = parseEventLog(measured.firmwareLog);
    await resetSwtpm(swtpm);
    const rest = await powerOn(swtpm, client, log);
    for (const event of rest) await client.extendBanks(event.pcr, bankDigests(log, event));
    await measureUserspace(client, measured.userspaceLog);
    this.#booted = { name, ek: await client.createEk("ecc"), ak: await client.createAk("ecc"), banks: banksOf(measured.firmwareLog) };
    return this.#booted;
  }
}

/** Startup as this log's firmware does it; the events that are still to be extended. An H-CRTM has hashed its event's data by itself. */
async function powerOn(swtpm: Swtpm, client: TpmClient, log: UnverifiedEventLog): Promise<UnverifiedEventLog["events"]> {
  const events = log.events.filter(isExtended);
  if (log.startupLocality === 4) {
    const first = events.findIndex((e) => e.pcr === 0);
    await measureHcrtm(swtpm, events[first]?.data ?? new Uint8Array(0));
    await client.startup();
    return events.toSpliced(first, 1);
  }
  await setLocality(swtpm, log.startupLocality);
  await client.startup();
  await setLocality(swtpm, 0);
  return events;
}
