import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { HubMessage, NodeMessage, NodeServiceServer } from "../../proto/gen/kubedos/v1/node.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import type { PeerFacts } from "../enroll/peer-facts.ts";
import { Session } from "../enroll/session.ts";
import { HubError } from "../error.ts";
import { CHALLENGE_TTL_MS } from "../enroll/greet.ts";
import type { Gate } from "./gate.ts";
import { grpcError } from "./grpc-error.ts";

const HELLO_MS = 10_000;
/** Unsent messages of one stream. None is ever dropped for a slow reader: he loses his connection, and gets everything when he comes back. */
const MAX_BACKLOG = 1024;

/** Streams of the node listener, and the two ways in which time reaches them. */
export interface NodeStreams {
  readonly service: NodeServiceServer;
  /** Every member hears how long it may use its peers; also when the database can't be read, which is then thrown. */
  heartbeat(): void;
  /** Renewals that are due or overdue. `lateMs`: for so long this process itself did nothing. */
  tick(lateMs: number): void;
}

/** Answers streams that came through `gate`. */
export function nodeService(context: HubContext, gate: () => Pick<Gate<PeerFacts>, "peerOf" | "drop">): NodeStreams {
  const sessions = new Set<Session>();
  return {
    service: {
      attach: (call) => {
        const address = call.getPeer();
        const peer = gate().peerOf(address);
        if (peer === null) return void call.emit("error", grpcError(new HubError("INTERNAL", "the connection has no proven peer")));
        attach(context, peer, call, { sessions, drop: () => gate().drop(address) });
      },
    },
    heartbeat: () => {
      let head = "";
      try {
        head = context.store.audit.head();
      } finally {
        // What is left of a lease is known without the database; the head then says nothing.
        for (const session of sessions) session.heartbeat(head);
      }
    },
    tick: (lateMs) => {
      for (const session of [...sessions]) session.tick(lateMs);
    },
  };
}

function attach(context: HubContext, peer: PeerFacts, call: ServerDuplexStream<NodeMessage, HubMessage>, streams: { readonly sessions: Set<Session>; drop(): void }): void {
  const { sessions, drop } = streams;
  const port = {
    send: (message: HubMessage): void => {
      if (call.writableLength > MAX_BACKLOG) drop();
      else call.write(message);
    },
    end: (): void => void call.end(),
  };
  const session = new Session(context, peer, port);
  sessions.add(session);
  let deadline: NodeJS.Timeout | undefined;
  // Until the verdict has passed, each silence ends the stream: strangers can't hold one open.
  const wait = (ms: number): void => {
    clearTimeout(deadline);
    deadline = session.proven || !sessions.has(session) ? undefined : setTimeout(() => session.timedOut(), ms);
  };
  const close = (): void => {
    sessions.delete(session);
    wait(0);
    session.closed();
  };
  wait(HELLO_MS);
  call.on("data", (message: NodeMessage) => {
    session.take(message);
    wait(CHALLENGE_TTL_MS);
  });
  for (const event of ["error", "cancelled", "close"]) call.on(event, close);
  call.on("end", () => {
    close();
    call.end();
  });
}
