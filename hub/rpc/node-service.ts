import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Hello, HubMessage, NodeMessage, NodeServiceServer, Refusal } from "../../proto/gen/kubedos/v1/node.ts";
import { HelloAudit } from "../enroll/hello-audit.ts";
import type { HubContext } from "../enroll/hub-context.ts";
import type { PeerFacts } from "../enroll/peer-facts.ts";
import { Session } from "../enroll/session.ts";
import { HubError } from "../error.ts";
import { CHALLENGE_TTL_MS } from "../enroll/greet.ts";
import type { Gate } from "./gate.ts";
import { grpcError } from "./grpc-error.ts";

/** How long a stream may be silent before its verdict; milliseconds. Then nothing of a stranger is kept. */
export interface StreamTimes {
  /** For the hello. */
  readonly helloMs: number;
  /** For the evidence after the challenge. */
  readonly evidenceMs: number;
}

/** What an image waits. */
export const STREAM_TIMES: StreamTimes = { helloMs: 10_000, evidenceMs: CHALLENGE_TTL_MS };
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
export function nodeService(context: HubContext, gate: () => Pick<Gate<PeerFacts>, "peerOf" | "drop">, times: StreamTimes): NodeStreams {
  const sessions = new Set<Session>();
  const audit = new HelloAudit(context);
  return {
    service: {
      attach: (call) => {
        const address = call.getPeer();
        const peer = gate().peerOf(address);
        if (peer === null) return void call.emit("error", grpcError(new HubError("INTERNAL", "the connection has no proven peer")));
        attach(context, peer, call, { sessions, times, audit, drop: () => gate().drop(address) });
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

interface Streams {
  readonly sessions: Set<Session>;
  readonly times: StreamTimes;
  readonly audit: HelloAudit;
  drop(): void;
}

function attach(context: HubContext, peer: PeerFacts, call: ServerDuplexStream<NodeMessage, HubMessage>, streams: Streams): void {
  const { sessions, times, audit, drop } = streams;
  let refusal: Refusal | null = null;
  const port = {
    send: (message: HubMessage): void => {
      if (message.body?.$case === "refusal") refusal = message.body.value;
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
  wait(times.helloMs);
  const take = (message: NodeMessage): void => {
    session.take(message);
    // A hello is answered within the call, so this is the answer. What fails later has its row from the verdict.
    if (message.body?.$case === "hello" && refusal !== null) auditHello(context, audit, { hello: message.body.value, refusal, source: peer.source });
    wait(times.evidenceMs);
  };
  call.on("data", (message: NodeMessage) => {
    const judged = judgeAhead(session, message);
    if (judged === null) return take(message);
    // What the node says next is read when this has been taken, and it isn't silent while we judge.
    call.pause();
    clearTimeout(deadline);
    void judged.then(() => {
      take(message);
      call.resume();
    });
  });
  for (const event of ["error", "cancelled", "close"]) call.on(event, close);
  call.on("end", () => {
    close();
    call.end();
  });
}

/** Null also where the database can't be read: taking the message then says so. */
function judgeAhead(session: Session, message: NodeMessage): Promise<void> | null {
  try {
    return session.judgeAhead(message);
  } catch {
    return null;
  }
}

/** The peer has its answer already; a row that can't be kept changes nothing for it. */
function auditHello(context: HubContext, audit: HelloAudit, { hello, refusal, source }: { readonly hello: Hello; readonly refusal: Refusal; readonly source: string }): void {
  // A fault of ours is in the log; often it is the database itself.
  if (refusal.code === "INTERNAL") return;
  try {
    audit.refused(hello, refusal, source);
  } catch (error) {
    context.ports.log.error("a refused hello was not recorded", { code: refusal.code, source, err: error });
  }
}
