import { X509Certificate } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import type { HubLeaf } from "../pki/cluster-issuer.ts";

/** Time for a TLS handshake; half-open ones must not pile up. */
const HANDSHAKE_MS = 10_000;
const MAX_CONNECTIONS = 16_384;

/** A TLS listener in front of a gRPC server. */
export interface Gate<Peer> {
  readonly port: number;
  /** The peer behind a call, by what grpc-js's `getPeer()` says; null when its connection has ended. */
  peerOf(address: string): Peer | null;
  /** Cuts a connection, for a peer that doesn't read. */
  drop(address: string): void;
  close(): Promise<void>;
}

/** What a gate needs to know. */
export interface GateOptions<Peer> {
  readonly server: Server;
  readonly listen: { readonly host: string; readonly port: number };
  readonly leaf: HubLeaf;
  /** Milliseconds; {@link HANDSHAKE_MS} without it. */
  readonly handshakeMs?: number;
  /** Judges the certificate (DER) that the peer proved possession of. Throws to turn the peer away. */
  admit(certificate: Uint8Array, source: string): Peer;
  /** A peer that was turned away, with the reason. */
  refused(source: string, error: unknown): void;
}

/**
 * Opens a listener: TLS 1.3 alone, a client certificate always. grpc-js can only ask OpenSSL to judge clients, and
 * OpenSSL knows neither self-signed strangers nor our roles. So OpenSSL proves here that the peer holds its
 * certificate's key, `admit` alone judges the certificate, and a socket reaches gRPC only after that.
 */
export async function openGate<Peer>(options: GateOptions<Peer>): Promise<Gate<Peer>> {
  const peers = new Map<string, Connection<Peer>>();
  const injector = options.server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = tls.createServer({
    key: options.leaf.key.export({ type: "pkcs8", format: "pem" }),
    cert: options.leaf.chain.map((der) => new X509Certificate(der).toString()).join(""),
    requestCert: true,
    // Judged by admit below: nothing passes without it.
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["h2"],
    handshakeTimeout: options.handshakeMs ?? HANDSHAKE_MS,
  });
  const sockets = new Set<Socket>();
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  listener.maxConnections = MAX_CONNECTIONS;
  listener.on("tlsClientError", (_error, socket) => socket.destroy());
  listener.on("secureConnection", (socket) => {
    socket.on("error", () => socket.destroy());
    if (letIn(socket, options, peers)) injector.injectConnection(socket);
    else socket.destroy();
  });
  const port = await listenOn(listener, options.listen);
  // For instance no file descriptor left: this connection fails, the next one may not.
  listener.on("error", (error) => options.refused("", error));
  return {
    port,
    peerOf: (address) => peers.get(address)?.peer ?? null,
    drop: (address) => void peers.get(address)?.socket.destroy(),
    close: () => new Promise((resolve) => {
      injector.destroy();
      listener.close(() => resolve());
      // Half-open handshakes too: nothing may hold the process.
      for (const socket of sockets) socket.destroy();
    }),
  };
}

interface Connection<Peer> {
  readonly peer: Peer;
  readonly socket: TLSSocket;
}

/** Registers the peer under its address, which is unique while the connection lives; false: turn it away. */
function letIn<Peer>(socket: TLSSocket, options: GateOptions<Peer>, peers: Map<string, Connection<Peer>>): boolean {
  const source = socket.remoteAddress ?? "";
  const address = `${source}:${socket.remotePort}`;
  try {
    if (socket.alpnProtocol !== "h2" || socket.remotePort === undefined) throw new Error("the peer does not speak HTTP/2");
    const { raw } = socket.getPeerCertificate() as { readonly raw?: Uint8Array };
    if (raw === undefined) throw new Error("the peer sent no certificate");
    // The same address at a second local address of ours: two connections can't share a key of the table.
    if (peers.has(address)) throw new Error("this address has a connection already");
    peers.set(address, { peer: options.admit(new Uint8Array(raw), source), socket });
    socket.once("close", () => peers.delete(address));
    return true;
  } catch (error) {
    options.refused(source, error);
    return false;
  }
}

async function listenOn(listener: tls.Server, listen: { readonly host: string; readonly port: number }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(listen.port, listen.host, () => {
      listener.off("error", reject);
      resolve();
    });
  });
  // Bound to a port, so this is never a path or null.
  return (listener.address() as AddressInfo).port;
}
