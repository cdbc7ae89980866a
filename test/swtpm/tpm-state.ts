import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Claims } from "../../proto/evidence/claims.ts";
import { WORDS } from "../fakes/evidence-case.ts";
import { TestMachine } from "../fakes/test-agent.ts";
import { type OwnSwtpm, startSwtpm } from "./start-swtpm.ts";

/** What survives of a virtual TPM when its machine is off: a folder, as whoever owns the hypervisor has it. */
export class TpmState {
  readonly dir: string;
  readonly ekName: string;
  #swtpm: OwnSwtpm | null = null;

  private constructor(dir: string, ekName: string) {
    this.dir = dir;
    this.ekName = ekName;
  }

  /** A new TPM that was on once. */
  static async make(): Promise<TpmState> {
    const dir = await mkdtemp(join(tmpdir(), "kubedos-tpm-state-"));
    const machine = await TestMachine.boot({}, WORDS, { swtpm: await startSwtpm({ stateDir: dir }) });
    await machine.stop();
    return new TpmState(dir, machine.ekName);
  }

  /** The same TPM once more. Its machine must be off. */
  async copy(): Promise<TpmState> {
    const dir = await mkdtemp(join(tmpdir(), "kubedos-tpm-state-"));
    await cp(this.dir, dir, { recursive: true });
    return new TpmState(dir, this.ekName);
  }

  /** Starts a machine on it: another boot, with another id and other keys. */
  async boot(claims: Partial<Claims> = {}): Promise<TestMachine> {
    const swtpm = await startSwtpm({ stateDir: this.dir });
    this.#swtpm = swtpm;
    return await TestMachine.boot({ bootId: crypto.randomUUID(), ...claims }, WORDS, { swtpm });
  }

  /** Starts a machine with this one's memory, as a snapshot has it: the same boot and the same keys. */
  async resume(memory: TestMachine): Promise<TestMachine> {
    const { tpm } = await this.boot();
    return new TestMachine(tpm, memory.key, memory.claims, memory.certificate);
  }

  /** Pulls the plug of the machine that runs on it. */
  async cutPower(): Promise<void> {
    await this.#swtpm?.cutPower();
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
