import { CliError } from "../cli-error.ts";

/** Where the hub's read-only socket is on the master. */
export const DEFAULT_SOCKET = "/run/kubedos-hub/hub.sock";

/** How to reach the hub: mutual TLS as an operator, or the local socket for reading. */
export type Target =
  | { readonly t: "tls"; readonly host: string; readonly port: number; readonly identityDir: string }
  | { readonly t: "socket"; readonly path: string };

/** What options and environment say about it. */
export interface TargetOptions {
  readonly hub?: string | undefined;
  readonly identity?: string | undefined;
  readonly socket?: string | undefined;
}

/** Options win over the environment, and the environment over the local socket. Throws CliError `USAGE`. */
export function chooseTarget(options: TargetOptions, env: Readonly<Record<string, string | undefined>>): Target {
  if (options.socket !== undefined) {
    if (options.hub !== undefined) throw usage("--socket and --hub can't be used together");
    return { t: "socket", path: options.socket };
  }
  const address = options.hub ?? env["KUBEDOS_HUB_ADDRESS"];
  if (address === undefined) {
    if (options.identity !== undefined) throw usage("--identity needs --hub HOST:PORT");
    return { t: "socket", path: DEFAULT_SOCKET };
  }
  const identityDir = options.identity ?? env["KUBEDOS_HUB_IDENTITY"];
  if (identityDir === undefined) throw usage(`the hub at ${address} asks for a certificate: give --identity DIR`);
  return { t: "tls", ...parseAddress(address), identityDir };
}

function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65535) throw usage(`${JSON.stringify(address)} is not HOST:PORT`);
  return { host, port };
}

function usage(message: string): CliError {
  return CliError.local("USAGE", message, "kubedos-hub --help");
}
