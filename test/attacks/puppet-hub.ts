import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import tls from "node:tls";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { type HubMessage, type NodeMessage, NodeServiceService } from "../../proto/gen/kubedos/v1/node.ts";
import { chainPem, keyPem, type TestIdentity } from "../fakes/pki.ts";
import type { AttackGuest } from "./attack-guest.ts";
import { LanDoor } from "./lan-door.ts";
import type { AttackWorld } from "./world.ts";

/** Somebody who serves nodes like a hub, with a certificate that is no hub's of this cluster, and keeps what he is told. */
export class PuppetHub {
  /** TCP connections that were opened to it. */
  dials = 0;
  /** Handshakes that the other side brought to their end. */
  handshakes = 0;
  /** All messages of nodes. */
  readonly heard: NodeMessage[] = [];
  readonly #listener: tls.Server;
  readonly #grpc: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(identity: TestIdentity) {
    this.#grpc = new Server();
    this.#grpc.addService(NodeServiceService, {
      attach: (stream: ServerDuplexStream<NodeMessage, HubMessage>) => {
        stream.on("data", (message: NodeMessage) => this.heard.push(message));
        stream.on("error", () => undefined);
      },
    });
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const credentials = { key: keyPem(identity.key), cert: chainPem(identity.chain) };
    this.#listener = tls.createServer({ ...credentials, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3", ALPNProtocols: ["h2"] });
    this.#listener.on("connection", (socket: Socket) => {
      this.dials++;
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
    });
    this.#listener.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#listener.on("secureConnection", (socket) => {
      this.handshakes++;
      socket.on("error", () => undefined);
      injector.injectConnection(socket);
    });
  }

  static async open(identity: TestIdentity): Promise<PuppetHub> {
    const hub = new PuppetHub(identity);
    hub.#listener.listen(0, "127.0.0.1");
    await once(hub.#listener, "listening");
    return hub;
  }

  /** Of 127.0.0.1. */
  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#grpc.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
    await once(this.#listener, "close");
  }
}

/** A puppet hub on the guests' LAN, and a guest whose hint leads to it. */
export interface Lured {
  readonly hub: PuppetHub;
  readonly guest: AttackGuest;
  /** Its own word on the hub that it found, once it has dialled it at least twice. */
  readonly said: { readonly state: string; readonly code: string; readonly message: string };
  /** Ends hub and door; the guest is the runner's. */
  close(): Promise<void>;
}

/** Lures the slot's guest, the release's own image on its own TPM, to a hub with this identity. `visit` looks first whether the hub can be reached over the LAN. */
export async function lure(world: AttackWorld, slot: string, places: { readonly hub: string; readonly visitor: string }, identity: TestIdentity, visit: (port: number) => Promise<void>): Promise<Lured> {
  const { spec, tc } = world.demo.built;
  const net = spec.network.lan;
  const { lan } = world.demo.cluster;
  const hub = await PuppetHub.open(identity);
  const door = await LanDoor.open({ tc, lan, net, address: places.hub, to: null, serves: true });
  const close = async (): Promise<void> => {
    await door.close();
    await hub.close();
  };
  try {
    const to = { host: places.hub, port: hub.port };
    const visitor = await LanDoor.open({ tc, lan, net, address: places.visitor, to, serves: false });
    await visit(visitor.port).finally(() => visitor.close());
    hub.heard.length = 0;
    hub.dials = 0;
    hub.handshakes = 0;
    const guest = await world.start(slot, { hub: to });
    const said = await world.until(`${slot} to have dialled twice`, 240, async () => {
      const node = (await guest.status())?.node;
      return hub.dials > 1 && node?.state === "unreachable" ? node : null;
    });
    return { hub, guest, said, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}
