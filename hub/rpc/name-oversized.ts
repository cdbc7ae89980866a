import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { MAX_MESSAGE_BYTES } from "../../proto/evidence/limits.ts";
import { CODE_KEY } from "./grpc-error.ts";

/**
 * Gives the refusal of an oversized message its code and words. grpc-js makes that refusal below every interceptor, without
 * metadata, so what is wrapped here is the lowest call's own way to say it; all other refusals of ours bring their code.
 */
export const nameOversized: ServerInterceptor = (_method, call) => {
  const send = call.sendStatus.bind(call);
  call.sendStatus = (said) => {
    if (said.code !== status.RESOURCE_EXHAUSTED || !/^Received message/.test(said.details ?? "")) return send(said);
    const metadata = new Metadata();
    metadata.set(CODE_KEY, "TOO_LARGE");
    send({ ...said, details: `the message is larger than the ${MAX_MESSAGE_BYTES} bytes that the protocol allows`, metadata });
  };
  return new ServerInterceptingCall(call);
};
