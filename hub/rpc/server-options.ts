import type { ServerOptions } from "@grpc/grpc-js";
import { MAX_MESSAGE_BYTES } from "../../proto/evidence/limits.ts";
import { nameOversized } from "./name-oversized.ts";

/** Of every gRPC server of the hub. A dead peer is found within 40 s; messages are bounded before they are parsed. */
export const SERVER_OPTIONS: ServerOptions = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": 64 * 1024 * 1024,
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 20_000,
  // A node has one stream, an operator a few calls.
  "grpc.max_concurrent_streams": 16,
  // No other protocol of grpc-js's own (channelz) beside ours.
  "grpc.enable_channelz": 0,
  interceptors: [nameOversized],
};
