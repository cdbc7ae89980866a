import { connect } from "node:net";
import type { TcpOutcome, TcpProbe } from "../ports.ts";

/** Plain TCP connects; nothing is sent. */
export const systemTcpProbe: TcpProbe = {
  connect: (host, port, timeoutMs) =>
    new Promise<TcpOutcome>((resolve) => {
      const socket = connect({ host, port });
      const end = (outcome: TcpOutcome): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(outcome);
      };
      const timer = setTimeout(() => end("filtered"), timeoutMs);
      socket.on("connect", () => end("open"));
      // Only an RST says that nothing listens; unreachable or forbidden is a filter's work.
      socket.on("error", (error) => end("code" in error && error.code === "ECONNREFUSED" ? "closed" : "filtered"));
    }),
};
