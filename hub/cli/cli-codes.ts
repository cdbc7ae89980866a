import type { CodeText } from "../codes.ts";

/** Codes that the command line gives by itself, in the shape of hub/codes.ts and explained by the same command. */
export const CLI_CODES = {
  USAGE: {
    text: "The command was not understood.",
    cause: "A missing or unknown argument or option.",
    next: "kubedos-hub --help",
  },
  UNAVAILABLE: {
    text: "The hub could not be reached.",
    cause: "It is not running, the address is wrong, or a firewall drops the operators' port.",
    next: "kubedos-hub health",
  },
  TIMED_OUT: {
    text: "What was waited for did not happen in time; what the hub has begun goes on.",
    cause: "A slow machine, or a peer that is not answering.",
    next: "kubedos-hub nodes",
  },
  HUB_UNTRUSTED: {
    text: "What answered is not the hub of this cluster, so nothing was sent to it.",
    cause: "A wrong address, a node or a stranger that poses as the hub, or the root certificate of another cluster.",
    next: "kubedos-hub health --hub HOST:PORT --identity DIR",
  },
  IDENTITY_INVALID: {
    text: "The operator's identity can't be used.",
    cause: "operator.key, operator.crt or root.crt is missing, doesn't belong to the others, has ended, or can be read by others.",
    next: "kubedos-hub health --identity DIR",
  },
  FILE_INVALID: {
    text: "A file could not be read, or is not what it should be.",
    cause: "A wrong path, a truncated file, or a file of another format.",
    next: "kubedos-hub inspect --help",
  },
  NO_TERMINAL: {
    text: "This decision asks a question, and there is no terminal to ask it on.",
    cause: "The command ran in a script without the options that answer it.",
    next: "kubedos-hub approve --help",
  },
  LEFT_ALONE: {
    text: "The question was not answered with yes, so nothing was changed.",
    cause: "Enter was pressed, or the terminal was closed.",
    next: "kubedos-hub pending",
  },
  FIRMWARE_MISMATCH: {
    text: "The new firmware is not the one that the operator named.",
    cause: "Another change than the intended one stands behind this id.",
    next: "kubedos-hub firmware list",
  },
  TOO_MANY: {
    text: "More nodes match than the command allows.",
    cause: "A selector that is wider than was meant, or a --max that is too small.",
    next: "kubedos-hub firmware list",
  },
  REFUSED: {
    text: "The evidence does not hold, so the machine stays outside.",
    cause: "What was measured differs from the release.",
    next: "kubedos-hub explain ID",
  },
  UNKNOWN_CODE: {
    text: "There is no code of this name.",
    cause: "A typing error, or a code of another version.",
    next: "kubedos-hub explain --help",
  },
  UNHEALTHY: {
    text: "At least one condition of the hub's health does not hold.",
    cause: "The output names it.",
    next: "kubedos-hub audit",
  },
  NOT_STARTED: {
    text: "The hub could not start, so it hands out nothing.",
    cause: "The image's configuration, a folder or a port is not what it should be; the message names it.",
    next: "journalctl -u kubedos-hub",
  },
  INTERRUPTED: {
    text: "The command was interrupted; what the hub has begun goes on.",
    cause: "Ctrl-C.",
    next: "kubedos-hub nodes",
  },
} as const satisfies Readonly<Record<string, CodeText>>;

/** Closed union of {@link CLI_CODES}. */
export type CliCode = keyof typeof CLI_CODES;
