import { decodeResponse, encodeCommand, type TpmCommand } from "./command.ts";
import { RC_BUSY } from "./rc.ts";
import { TpmError } from "./tpm-error.ts";
import type { TpmTransport } from "./transport.ts";

/** Pauses before a command that the TPM was too busy for is sent again: about two and a half seconds in all. */
const BUSY_PAUSES_MS: readonly number[] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];

/** Waits, for a TPM that was too busy. Whoever opens the TPM has a timer; this folder has none. */
export type Pause = (ms: number) => Promise<void>;

/** Sends one command at a time, as a TPM wants it, in the order of the calls; one that fails doesn't stop the next. */
export class CommandQueue {
  readonly #transport: TpmTransport;
  readonly #pause: Pause;
  #last: Promise<unknown> = Promise.resolve();

  constructor(transport: TpmTransport, pause: Pause) {
    this.#transport = transport;
    this.#pause = pause;
  }

  /** The command's result. Rejects with TpmError. */
  run<T>(command: TpmCommand<T>): Promise<T> {
    const result = this.#last.then(() => this.#send(command));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #send<T>(command: TpmCommand<T>): Promise<T> {
    const packet = encodeCommand(command);
    for (const ms of BUSY_PAUSES_MS) {
      try {
        return await this.#exchange(command, packet);
      } catch (e) {
        if (!(e instanceof TpmError && e.rc !== undefined && RC_BUSY.includes(e.rc))) throw e;
        await this.#pause(ms);
      }
    }
    return this.#exchange(command, packet);
  }

  async #exchange<T>(command: TpmCommand<T>, packet: Uint8Array): Promise<T> {
    let response: Uint8Array;
    try {
      response = await this.#transport.send(packet);
    } catch (cause) {
      throw new TpmError("TRANSPORT", `the TPM gave no response to TPM2_${command.name}`, { cause });
    }
    return decodeResponse(command, response);
  }
}
