import { type ServiceError, status } from "@grpc/grpc-js";
import { CliError } from "../cli-error.ts";
import { CODE_KEY } from "../../rpc/grpc-error.ts";
import { codeText } from "../code-text.ts";
import { printable } from "../output/printable.ts";


const MAX_DETAILS = 500;
const CODE_SHAPE = /^[A-Z][A-Z0-9_]{1,63}$/;
/** An alert from the other side about our certificate. */
const OURS_REFUSED = /alert (?:bad certificate|certificate|unknown ca|unsupported certificate|access denied)|ALERT_(?:BAD_CERTIFICATE|CERTIFICATE|UNKNOWN_CA)/i;
/**
 * What TLS libraries say when the server's chain fails their own checks; then checkServerIdentity was never asked. Wide on
 * purpose: whatever speaks of certificates is no outage.
 */
const THEIRS_REFUSED = /certificate|CERT_|permitted subtree|invalid CA|unable to (?:get|verify)|UNABLE_TO_|ERR_TLS_CERT/i;
/** grpc-js's own words for a message above our limits, which this side gives without asking the hub. */
const OVERSIZED = /larger than/;

/**
 * A failed call → the command line's error. `check` is what our own check of the server's certificate said, if it came to
 * that: gRPC reports a refusal as an outage, but an impostor is not an outage.
 */
export function fromServiceError(error: ServiceError, where: string, check: HubCheck): CliError {
  if (error.code === status.UNAVAILABLE) {
    if (check.t === "refused") return untrusted(where, check.error.message, error);
    if (OURS_REFUSED.test(error.details)) return unwelcome(where, error);
    if (THEIRS_REFUSED.test(error.details)) return untrusted(where, "its certificate is not a hub's under this cluster's root", error);
  }
  const sent = error.metadata?.get(CODE_KEY)[0];
  const code = typeof sent === "string" && CODE_SHAPE.test(sent) ? sent : ownCode(error);
  return CliError.remote(code, sentence(error, where, typeof sent === "string", check), codeText(code)?.next ?? null, error.code, error);
}

/** What became of the check of the hub's certificate in the last handshake. */
export type HubCheck = { readonly t: "none" } | { readonly t: "passed" } | { readonly t: "refused"; readonly error: Error };

function untrusted(where: string, why: string, cause: unknown): CliError {
  return CliError.local("HUB_UNTRUSTED", `${where} is not this cluster's hub: ${printable(why)}`, "kubedos-hub explain HUB_UNTRUSTED", cause);
}

function unwelcome(where: string, cause: unknown): CliError {
  return CliError.local("NOT_AN_OPERATOR", `${where} refuses your certificate`, "kubedos-hub explain NOT_AN_OPERATOR", cause);
}

function ownCode({ code: grpc, details }: ServiceError): string {
  switch (grpc) {
    case status.RESOURCE_EXHAUSTED:
      return OVERSIZED.test(details) ? "TOO_LARGE" : "RESOURCE_EXHAUSTED";
    case status.UNAVAILABLE:
      return "UNAVAILABLE";
    case status.DEADLINE_EXCEEDED:
      return "TIMED_OUT";
    default:
      return status[grpc] ?? "UNKNOWN";
  }
}

function sentence(error: ServiceError, where: string, fromHub: boolean, check: HubCheck): string {
  const details = printable(error.details).slice(0, MAX_DETAILS);
  if (fromHub) return details;
  if (error.code === status.UNAVAILABLE && check.t === "passed") {
    return `the hub at ${where} ended the connection: it restarts, or it does not take your certificate`;
  }
  if (error.code === status.UNAVAILABLE) return `no hub answers at ${where} (${reason(details)})`;
  if (error.code === status.RESOURCE_EXHAUSTED && OVERSIZED.test(details)) return `what goes to the hub at ${where}, or comes from it, is larger than the protocol allows`;
  if (error.code === status.DEADLINE_EXCEEDED) return `the hub at ${where} did not answer in time`;
  return details === "" ? `the hub at ${where} gave an error without words` : details;
}

/** gRPC's own text is long and names internals; the system's word is what helps. */
function reason(details: string): string {
  return /E[A-Z]{3,}/.exec(details)?.[0] ?? details;
}
