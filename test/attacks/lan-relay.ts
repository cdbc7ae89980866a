import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { LanShape } from "../../builder/guest/qemu-argv.ts";

type Group = Pick<LanShape, "group" | "port">;

/** QEMU frames a packet of a stream netdev by its length, 4 bytes, big-endian. */
const LENGTH_BYTES = 4;
/** Destination, source and type of an Ethernet frame. */
const HEADER_BYTES = 14;
/** Far above an Ethernet frame; QEMU's own limit is 68 KiB. */
const MAX_FRAME_BYTES = 65_536;

/**
 * Between QEMU's stream and the multicast group. Out goes everything; in come broadcasts and what is addressed to the door, as
 * through a switch: slirp takes every frame for its own, and would break off its neighbours' connections.
 */
export class LanRelay {
  readonly #server: Server;
  readonly #group: Datagrams;
  readonly #lan: Group;
  /** Source addresses of the frames that went out, as hex. */
  readonly #own = new Set<string>();
  #qemu: Socket | null = null;

  private constructor(server: Server, group: Datagrams, lan: Group) {
    this.#server = server;
    this.#group = group;
    this.#lan = lan;
    group.on("message", (frame) => this.#arrived(frame));
    // A LAN drops what it can't carry.
    group.on("error", () => undefined);
    server.on("connection", (socket) => this.#joined(socket));
  }

  static async open(path: string, lan: Group): Promise<LanRelay> {
    const group = createSocket({ type: "udp4", reuseAddr: true });
    group.bind({ port: lan.port, address: lan.group, exclusive: true });
    await once(group, "listening");
    group.addMembership(lan.group, "127.0.0.1");
    group.setMulticastInterface("127.0.0.1");
    group.setMulticastLoopback(true);
    const server = createServer();
    server.listen(path);
    await once(server, "listening");
    return new LanRelay(server, group, lan);
  }

  get connected(): boolean {
    return this.#qemu !== null;
  }

  async close(): Promise<void> {
    this.#qemu?.destroy();
    this.#group.close();
    this.#server.close();
    await once(this.#server, "close");
  }

  #joined(socket: Socket): void {
    this.#qemu = socket;
    let held = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= LENGTH_BYTES) {
        const size = held.readUInt32BE();
        if (size > MAX_FRAME_BYTES) return void socket.destroy();
        if (held.length < LENGTH_BYTES + size) return;
        this.#leave(held.subarray(LENGTH_BYTES, LENGTH_BYTES + size));
        held = held.subarray(LENGTH_BYTES + size);
      }
    });
  }

  #leave(frame: Buffer): void {
    this.#own.add(sourceOf(frame));
    this.#group.send(frame, this.#lan.port, this.#lan.group);
  }

  #arrived(frame: Buffer): void {
    if (this.#qemu === null || frame.length < HEADER_BYTES || this.#own.has(sourceOf(frame))) return;
    if (!isGroup(frame) && !this.#own.has(destinationOf(frame))) return;
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(frame.length);
    this.#qemu.write(Buffer.concat([length, frame]));
  }
}

function destinationOf(frame: Buffer): string {
  return frame.toString("hex", 0, 6);
}

function sourceOf(frame: Buffer): string {
  return frame.toString("hex", 6, 12);
}

/** Broadcast or multicast, by the first bit on the wire. */
function isGroup(frame: Buffer): boolean {
  return ((frame[0] ?? 0) & 1) === 1;
}
