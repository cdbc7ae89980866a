import { createSecureContext, type DetailedPeerCertificate, type PeerCertificate } from "node:tls";
import type { ChannelCredentials, ClientDuplexStream } from "@grpc/grpc-js";
import { MAX_MESSAGE_BYTES } from "../../proto/evidence/limits.ts";
import type { HubMessage, NodeMessage, NodeServiceClient } from "../../proto/gen/kubedos/v1/node.ts";
import { AgentError } from "../error.ts";
import type { Dial, HubConnector, HubStream } from "../ports.ts";

// Generous: a guest without KVM that boots beside four others is slow, not gone.
const DIAL_TIMEOUT_MS = 20_000;
/** A channel that has failed says why at once. */
const REASON_TIMEOUT_MS = 500;
const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 20_000,
  "grpc.keepalive_permit_without_calls": 1,
  // A dial is one connection: nothing is shared, retried, proxied or looked up behind the agent's back.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
} as const;

/** What the TLS handshake of one dial found. */
interface Handshake {
  hubKey: Uint8Array | null;
  refusal: unknown;
}

/** Dials hubs by gRPC over TLS 1.3. gRPC is loaded at the first dial. */
export const grpcConnector: HubConnector = {
  async prepare() {
    await loadGrpc();
  },
  async dial(dial, signal) {
    const [grpc, { NodeServiceClient: Client }] = await loadGrpc();
    const handshake: Handshake = { hubKey: null, refusal: null };
    const client = new Client(`ipv4:${dial.host}:${dial.port}`, secure(grpc, dial, handshake), {
      ...CHANNEL_OPTIONS,
      "grpc.ssl_target_name_override": dial.serverName,
      "grpc.default_authority": dial.serverName,
    });
    const stop = (): void => client.close();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await connected(client, grpc.connectivityState);
      if (handshake.hubKey === null) throw new AgentError("DISCONNECTED", "the connection is up without a verified hub");
      return openStream(client, handshake.hubKey);
    } catch (error) {
      client.close();
      throw handshake.refusal === null ? error : new AgentError("DISCONNECTED", "the server is not our hub", { cause: handshake.refusal });
    } finally {
      signal.removeEventListener("abort", stop);
    }
  },
};

async function loadGrpc() {
  return await Promise.all([import("@grpc/grpc-js"), import("../../proto/gen/kubedos/v1/node.ts")]);
}

function secure(grpc: typeof import("@grpc/grpc-js"), dial: Dial, handshake: Handshake): ChannelCredentials {
  const context = createSecureContext({ ca: dial.rootCa, cert: dial.certificate, key: dial.key, minVersion: "TLSv1.3" });
  return grpc.credentials.createFromSecureContext(context, {
    // OpenSSL has judged signatures, dates and name constraints; here the identity is judged, which has no host name in it.
    checkServerIdentity: (_host, certificate) => {
      try {
        handshake.hubKey = dial.verifyHub(chainOf(certificate));
        return undefined;
      } catch (error) {
        handshake.hubKey = null;
        handshake.refusal = error;
        return error instanceof Error ? error : new Error("refused");
      }
    },
  });
}

/** The runtime appends the root that it found in `ca`; a chain of ours is leaf and intermediate. */
function chainOf(certificate: PeerCertificate): readonly Uint8Array[] {
  const leaf = certificate as DetailedPeerCertificate;
  const issuer = leaf.issuerCertificate as DetailedPeerCertificate | undefined;
  return [leaf, issuer].filter((c) => c !== undefined).map((c) => new Uint8Array(c.raw));
}

function connected(client: NodeServiceClient, states: typeof import("@grpc/grpc-js").connectivityState): Promise<void> {
  const channel = client.getChannel();
  const deadline = Date.now() + DIAL_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const state = channel.getConnectivityState(true);
      if (state === states.READY) resolve();
      else if (state === states.TRANSIENT_FAILURE) whyNot(client).then(reject, reject);
      else if (state === states.SHUTDOWN) reject(new AgentError("DISCONNECTED", "no connection"));
      else {
        channel.watchConnectivityState(state, deadline, (error) => {
          if (error) reject(new AgentError("DISCONNECTED", `no connection within ${DIAL_TIMEOUT_MS / 1000} s`));
          else look();
        });
      }
    };
    look();
  });
}

/** The channel keeps its reason to itself and tells a call: one that nothing is sent on, and that ends at once. */
function whyNot(client: NodeServiceClient): Promise<AgentError> {
  return new Promise((resolve) => {
    const call = client.attach();
    const give = (details: string): void => {
      clearTimeout(timer);
      resolve(asFailure(details));
      call.cancel();
    };
    const timer = setTimeout(() => give(""), REASON_TIMEOUT_MS);
    call.on("error", (error: Error & { readonly details?: string }) => give(error.details ?? ""));
  });
}

/** What of gRPC's sentence says something: OpenSSL's or the kernel's own words, which hold nothing that the server chose. */
function asFailure(details: string): AgentError {
  const reason = /Last error: (?:Error: )?([\x20-\x7e]{1,120}?)(?:\. Resolution note|$)/.exec(details)?.[1] ?? "";
  if (reason === "") return new AgentError("DISCONNECTED", "no connection");
  if (/certificate|issuer|subtree|purpose|signature/i.test(reason)) return new AgentError("DISCONNECTED", "the server is not our hub", { cause: new Error(reason) });
  return new AgentError("DISCONNECTED", `no connection: ${reason}`);
}

function openStream(client: NodeServiceClient, hubKey: Uint8Array): HubStream {
  const call = client.attach();
  // The iterator reports errors; without a listener an early one would end the process.
  call.on("error", () => undefined);
  const state = { heard: false };
  return {
    hubKey,
    messages: receive(call, state),
    get heard() {
      return state.heard;
    },
    send: (message) => void call.write(message),
    close: () => {
      call.cancel();
      client.close();
    },
  };
}

async function* receive(call: ClientDuplexStream<NodeMessage, HubMessage>, state: { heard: boolean }): AsyncGenerator<HubMessage> {
  try {
    for await (const message of call) {
      state.heard = true;
      yield message as HubMessage;
    }
  } catch (cause) {
    throw new AgentError("DISCONNECTED", `the stream broke: ${reasonOf(cause).slice(0, 200)}`);
  }
}

/** gRPC's status 8, RESOURCE_EXHAUSTED: here and at the hub, nothing else than a message above {@link MAX_MESSAGE_BYTES}. */
const EXHAUSTED = 8;

/** What gRPC says, in words for the console. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error) || !("details" in cause)) return "stream broke";
  const details = String(cause.details);
  return "code" in cause && cause.code === EXHAUSTED && details.includes("larger than") ? `TOO_LARGE, a message has more than the ${MAX_MESSAGE_BYTES} bytes that the protocol allows` : details;
}
