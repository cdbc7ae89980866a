import { connect } from "node:net";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Surroundings } from "../../agent/mailbox/surroundings.ts";
import type { Status } from "../../agent/status/status.ts";
import { DeployError } from "../../builder/deploy/error.ts";
import type { GuestVariant } from "../../builder/deploy/qemu-cluster.ts";
import type { Guest } from "../../builder/guest/start-guest.ts";
import type { Demo } from "../../demo/demo.ts";

const MAX_FILE = 4 * 1024 * 1024;
const POLL_MS = 500;
/** From power-on to the agent's first word, with three guests on two cores under TCG. */
const BOOT_SECONDS = 240;

/** How a guest of a row differs from the honest one of its slot. Without any: the release's own worker on the slot's pinned TPM. */
export interface AttackVariant extends Omit<GuestVariant, "address"> {
  /** Whose vTPM: the slot's, with its pinned EK (default); one that nobody stamped; or a copy of the slot's state as it is now. */
  readonly identity?: "pinned" | "foreign" | "copy";
  /** Address on the LAN; default: the slot's own. */
  readonly address?: string;
}

/** A guest that a row started. */
export class AttackGuest {
  /** Its name among the cluster's guests: the slot's, or one made from it. */
  readonly name: string;
  readonly slot: string;
  /** SHA-256 of what it booted: the variant's disk, else the release's. */
  readonly image: string;
  readonly guest: Guest;
  readonly #demo: Demo;
  /** Where this start's part of the serial log begins. */
  readonly #from: number;
  #looks = 0;

  constructor(demo: Demo, facts: { readonly name: string; readonly slot: string; readonly image: string; readonly from: number; readonly guest: Guest }) {
    this.#demo = demo;
    this.name = facts.name;
    this.slot = facts.slot;
    this.image = facts.image;
    this.guest = facts.guest;
    this.#from = facts.from;
  }

  /** Its serial log on the host. */
  get console(): string {
    return this.guest.paths.serialLog;
  }

  /** Everything it wrote to its serial port since it was started. Untrusted bytes, as latin1. */
  async serial(): Promise<string> {
    return existsSync(this.console) ? (await readFile(this.console, "latin1")).slice(this.#from) : "";
  }

  /** A file that the guest agent may read; null while it isn't there, or the guest is gone. */
  async readFile(path: string, max: number = MAX_FILE): Promise<Uint8Array | null> {
    try {
      return await this.#demo.cluster.readFile(this.name, path, max);
    } catch (error) {
      if (error instanceof DeployError && error.code === "GUEST_ENDED") return null;
      throw error;
    }
  }

  /** Its own redacted status, from inside; null while there is none. */
  async status(): Promise<Status | null> {
    const data = await this.readFile("/run/kubedos/status.json");
    return data === null ? null : (JSON.parse(new TextDecoder().decode(data)) as Status);
  }

  /** Asks its agent what it was given from outside and what is mounted. */
  async look(): Promise<Surroundings> {
    const id = ++this.#looks;
    await this.#demo.cluster.mailbox(this.name).post("look", { id });
    return await this.#demo.until(`${this.name} to look around`, 60, async () => {
      const data = await this.readFile("/run/kubedos/mailbox/out/look.json");
      const answer = data === null ? null : (JSON.parse(new TextDecoder().decode(data)) as Surroundings);
      return answer?.id === id ? answer : null;
    });
  }

  /** Waits until its agent shows its EK; gives the Name. */
  async untilEk(seconds: number = BOOT_SECONDS): Promise<string> {
    return await this.#demo.until(`${this.name} to show its EK`, seconds, async () => {
      if (!this.guest.running) throw new Error(`${this.name} ended before it showed an EK: ${(await this.guest.exited).cause}`);
      return (await this.status())?.ekName ?? null;
    });
  }

  /** Waits until it is gone by itself: powered off, or panicked. Gives QEMU's cause. */
  async untilEnded(seconds: number = BOOT_SECONDS): Promise<string> {
    const late = new AbortController();
    const limit = sleep(seconds * 1000, null, { signal: AbortSignal.any([late.signal, this.#demo.signal]) }).catch(() => null);
    const exit = await Promise.race([this.guest.exited, limit]);
    late.abort();
    if (exit === null) throw new Error(`${this.name} did not end within ${seconds} s`);
    return exit.cause;
  }

  /** Waits until its serial log has `text`. */
  async untilSerial(text: RegExp, seconds: number = BOOT_SECONDS): Promise<string> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const found = text.exec(await this.serial())?.[0];
      if (found !== undefined) return found;
      if (!this.guest.running) throw new Error(`${this.name} ended without ${String(text)} on its console`);
      if (performance.now() > end) throw new Error(`waited ${seconds} s for ${String(text)} on the console of ${this.name}`);
      await sleep(POLL_MS, undefined, { signal: this.#demo.signal });
    }
  }

  /** Sends bytes into its serial port; only where the variant has `serialInput`. */
  async type(data: Uint8Array): Promise<void> {
    const socket = connect(this.guest.paths.serialSocket);
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.end(data, resolve);
    });
    socket.destroy();
  }

  /** Pulls the plug. */
  async stop(): Promise<void> {
    await this.guest.stop();
  }
}
