import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freeTcpPort } from "../../builder/guest/addresses.ts";
import { Child } from "../../builder/guest/child.ts";
import type { LanShape } from "../../builder/guest/qemu-argv.ts";
import type { Toolchain } from "../../builder/toolchain/ensure-toolchain.ts";
import { toolchainArgv } from "../../builder/toolchain/toolchain-argv.ts";
import { LanRelay } from "./lan-relay.ts";

/** A place on a cluster's LAN. */
export interface LanPlace {
  readonly lan: Pick<LanShape, "group" | "port">;
  /** IPv4 network of the LAN, with its prefix. */
  readonly net: string;
  /** The door's own address in it, as guests see whoever comes through. The network's last two addresses must be nobody's. */
  readonly address: string;
}

/** What a door opens. */
export interface DoorRequest extends LanPlace {
  readonly tc: Toolchain;
  /** Where on the LAN the host's side leads; null: nowhere. */
  readonly to: { readonly host: string; readonly port: number } | null;
  /** True: guests reach ports of this host's loopback at the door's address. For who poses as a server. */
  readonly serves: boolean;
}

const READY_MS = 15_000;

/**
 * A door from this host into the LAN of its guests, without any privilege: a QEMU without a machine, whose user-mode
 * network (slirp) speaks TCP on one side and Ethernet on the other. Its frames pass through this process, because a member
 * of a multicast group hears itself too, and slirp would answer its own words. It ends with this process.
 */
export class LanDoor {
  /** Port of 127.0.0.1 that leads to `to`; 0 without one. */
  readonly port: number;
  /** Its socket and log; gone with it. */
  readonly dir: string;
  readonly #qemu: Child;
  readonly #relay: LanRelay;

  private constructor(port: number, qemu: Child, relay: LanRelay, dir: string) {
    this.port = port;
    this.dir = dir;
    this.#qemu = qemu;
    this.#relay = relay;
  }

  /** Rejects, with what QEMU wrote, when it ends early. */
  static async open(request: DoorRequest): Promise<LanDoor> {
    const dir = await mkdtemp(join(tmpdir(), "kubedos-door-"));
    const socket = join(dir, "lan.sock");
    const log = join(dir, "qemu.log");
    const port = request.to === null ? 0 : await freeTcpPort();
    const relay = await LanRelay.open(socket, request.lan);
    const qemu = new Child("the door's QEMU", toolchainArgv(request.tc, doorArgv(request, socket, port), { binds: [dir], network: true }), log);
    const door = new LanDoor(port, qemu, relay, dir);
    try {
      await until(() => relay.connected && (port === 0 || answers(port)), qemu);
      return door;
    } catch (cause) {
      const said = await readFile(log, "utf8").catch(() => "");
      await door.close();
      throw new Error(`the door does not open: ${said.trim().slice(-500)}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#qemu.stop(0);
    await this.#relay.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** QEMU's command line for a door; pure. */
export function doorArgv(request: Omit<DoorRequest, "tc" | "lan">, socket: string, port: number): readonly [string, ...string[]] {
  const { net, address, to, serves } = request;
  // What slirp would answer for by itself must not be an address of a guest.
  const own = `net=${net},host=${address},dns=${lastAddress(net, 0)},dhcpstart=${lastAddress(net, 1)}`;
  const forward = to === null ? "" : `,hostfwd=tcp:127.0.0.1:${port}-${to.host}:${to.port}`;
  return [
    "qemu-system-x86_64",
    ...["-M", "none", "-nodefaults", "-no-user-config", "-display", "none"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-netdev", `stream,id=lan,server=off,addr.type=unix,addr.path=${socket}`, "-netdev", "hubport,id=lan-port,hubid=0,netdev=lan"],
    ...["-netdev", `user,id=door,ipv6=off,restrict=${serves ? "off" : "on"},${own}${forward}`, "-netdev", "hubport,id=door-port,hubid=0,netdev=door"],
  ];
}

/** The last address of a network that is no broadcast, or one of those before it. */
function lastAddress(net: string, before: number): string {
  const [base = "", prefix = ""] = net.split("/");
  const last = base.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) + 2 ** (32 - Number(prefix)) - 2 - before;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join(".");
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function until(ready: () => boolean | Promise<boolean>, qemu: Child): Promise<void> {
  for (const limit = Date.now() + READY_MS; !(await ready()); await sleep(20)) {
    if (!qemu.running) throw new Error(`QEMU ended with ${await qemu.exited}`);
    if (Date.now() > limit) throw new Error("QEMU took too long");
  }
}
