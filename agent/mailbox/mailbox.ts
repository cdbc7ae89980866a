import type { ImageConfig } from "../../proto/release/image-config.ts";
import { utf8 } from "../../proto/wire/bytes.ts";
import { parseJson } from "../../proto/wire/json.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import type { PlaneManager } from "../attach/plane-manager.ts";
import { AgentError, errorCode } from "../error.ts";
import type { Firewall } from "../nft/firewall.ts";
import { PATHS } from "../paths.ts";
import type { Ports } from "../ports.ts";
import type { StatusBoard } from "../status/status-board.ts";
import type { Attestor } from "../tpm/attestor.ts";
import { answerChallenge } from "./answer-challenge.ts";
import { probePlanes } from "./probe.ts";
import { challengeSchema, MAILBOX, probeSchema, type RequestName } from "./requests.ts";
import { lookAround } from "./surroundings.ts";
import { takeDelivery } from "./take-delivery.ts";

const POLL_MS = 200;
const REQUESTS = Object.keys(MAILBOX) as RequestName[];
const KNOWN: ReadonlySet<string> = new Set(REQUESTS.flatMap((name) => [`${name}.json`, `${name}.json.ready`]));

/** What the mailbox serves from. */
export interface MailboxContext {
  readonly ports: Ports;
  readonly status: StatusBoard;
  readonly config: ImageConfig;
  readonly attestor: Attestor;
  readonly firewall: Firewall;
  readonly planes: PlaneManager;
}

/**
 * Serves the host's mailbox until `signal` aborts. The guest agent has no rename, so a request counts when
 * NAME.json.ready stands beside it. Whoever owns the hypervisor writes these files: names of a fixed list, bounded sizes, one at a time.
 */
export async function serveMailbox(context: MailboxContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweepMailbox(context);
    await context.ports.clock.sleep(POLL_MS, signal);
  }
}

/** One look into the mailbox. */
export async function sweepMailbox(context: MailboxContext): Promise<void> {
  const { files } = context.ports;
  const names = await files.list(PATHS.mailboxIn);
  const unknown = names.filter((name) => !KNOWN.has(name)).length;
  if (unknown !== context.status.status.mailbox.unknown) count(context, { unknown });
  for (const name of REQUESTS) {
    if (names.includes(`${name}.json.ready`)) await serve(context, name);
  }
}

async function serve(context: MailboxContext, name: RequestName): Promise<void> {
  const { files } = context.ports;
  const { answer } = MAILBOX[name];
  // An older answer must not pass for this one's.
  await files.remove(`${PATHS.mailboxOut}/${answer}`);
  await files.remove(`${PATHS.mailboxOut}/${name}-error.json`);
  const { served, refused } = context.status.status.mailbox;
  try {
    await put(context, answer, await answerTo(context, name, await take(context, name)));
    count(context, { served: served + 1 });
  } catch (error) {
    await put(context, `${name}-error.json`, { code: errorCode(error), message: errorChain(error) });
    count(context, { refused: refused + 1 });
  }
}

/** The request's bytes; its files are gone afterwards, whatever they were. */
async function take(context: MailboxContext, name: RequestName): Promise<Uint8Array> {
  const { files } = context.ports;
  const path = `${PATHS.mailboxIn}/${name}.json`;
  try {
    const data = await files.read(path, MAILBOX[name].max);
    if (data === null) throw new AgentError("BAD_REQUEST", `${name}.json is announced and missing`);
    return data;
  } finally {
    await files.remove(path);
    await files.remove(`${path}.ready`);
  }
}

async function answerTo(context: MailboxContext, name: RequestName, data: Uint8Array): Promise<unknown> {
  const { ports, config, attestor, firewall, planes } = context;
  const { hubOnly, max } = MAILBOX[name];
  if (hubOnly && !config.hub) throw new AgentError("BAD_REQUEST", `${name} is served by the hub's node alone`);
  switch (name) {
    case "challenge":
      return await answerChallenge(attestor, parseJson(challengeSchema, data, max));
    case "delivery":
      return await takeDelivery(ports.files, config, data);
    case "probe":
      return await probePlanes(ports, firewall, planes.peers, parseJson(probeSchema, data, max).id);
    case "look":
      return await lookAround(ports.files, parseJson(probeSchema, data, max).id);
    default:
      return name satisfies never;
  }
}

async function put(context: MailboxContext, file: string, value: unknown): Promise<void> {
  await context.ports.files.write(`${PATHS.mailboxOut}/${file}`, utf8(JSON.stringify(value)), { mode: 0o644 });
}

function count(context: MailboxContext, change: Partial<{ served: number; refused: number; unknown: number }>): void {
  context.status.update({ mailbox: { ...context.status.status.mailbox, ...change } });
}
