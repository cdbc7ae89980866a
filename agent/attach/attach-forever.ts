import { certificatesToPem } from "../../proto/pki/pem.ts";
import { verifyIdentity } from "../../proto/pki/verify.ts";
import { errorChain } from "../../proto/wire/error-chain.ts";
import { errorCode } from "../error.ts";
import { HUB_NODE_PORT } from "../nft/model.ts";
import type { HubStream } from "../ports.ts";
import { backoffMs } from "./backoff.ts";
import { Horizon } from "./horizon.ts";
import { type AttachContext, Session, type SessionEnd, trustAt } from "./session.ts";
import { steadyClock } from "./steady-clock.ts";

/** Pause after a refusal for good: an operator may have evicted or un-banned meanwhile. */
const REFUSED_RETRY_MS = 60_000;
/** The hub on the same machine costs nothing to ask. */
const OWN_HUB_MAX_MS = 2000;
const REFRESH_MS = 5000;

/** Where the hub is. */
export interface HubAddress {
  readonly host: string;
  readonly port: number;
}

/** The hub's own node dials itself; everybody else goes where the hint says. Null: nobody said. */
export function hubAddress(hubRole: boolean, hinted: HubAddress | undefined): HubAddress | null {
  return hubRole ? { host: "127.0.0.1", port: HUB_NODE_PORT } : (hinted ?? null);
}

/**
 * Dials, attests, serves the stream, and dials again, until `signal` aborts. Planes stay as they are while the hub is
 * away, up to the horizon; then the node drops its peers and keeps dialling. Planes go when the hub refuses this identity for good.
 */
export async function attachForever(from: Omit<AttachContext, "horizon">, hub: HubAddress | null, signal: AbortSignal): Promise<void> {
  const ports = { ...from.ports, clock: steadyClock(from.ports.clock) };
  const horizon = await Horizon.start({ ...from, ports });
  await Promise.all([horizon.watch(signal), dialForever({ ...from, ports, horizon }, hub, signal)]);
}

async function dialForever(context: AttachContext, hub: HubAddress | null, signal: AbortSignal): Promise<void> {
  const { ports, status } = context;
  if (hub === null) {
    status.node({ state: "unreachable", code: "NO_HUB", message: "no hint says where the hub is" });
    await untilAborted(signal);
    return;
  }
  let failures = 0;
  let useOwnCertificate = false;
  while (!signal.aborted) {
    const attempt = await attachOnce(context, hub, signal, useOwnCertificate);
    if (signal.aborted) return;
    if (attempt.t === "refused") {
      failures = 0;
      await pauseRefused(context, attempt, signal);
      continue;
    }
    // A hub that lost its intermediates knows our node certificate no longer: the key alone may still do.
    useOwnCertificate = attempt.t === "failed" && !attempt.heard && context.planes.place !== null && !useOwnCertificate;
    failures = attempt.believed ? 0 : failures + 1;
    const random = (ports.entropy.bytes(1)[0] ?? 0) / 256;
    const pause = backoffMs(failures, random, context.config.hub ? OWN_HUB_MAX_MS : undefined);
    showBreak(context, attempt, hub);
    await ports.clock.sleep(pause, signal);
  }
}

type Attempt =
  | Extract<SessionEnd, { t: "refused" }>
  | { readonly t: "ended" | "failed"; readonly believed: boolean; readonly heard: boolean; readonly error: unknown };

async function attachOnce(context: AttachContext, hub: HubAddress, signal: AbortSignal, ownCertificate: boolean): Promise<Attempt> {
  let stream: HubStream;
  try {
    stream = await dial(context, hub, signal, ownCertificate);
  } catch (error) {
    return { t: "failed", believed: false, heard: false, error };
  }
  const session = new Session(context, stream);
  const stop = (): void => stream.close();
  signal.addEventListener("abort", stop, { once: true });
  const over = new AbortController();
  const refreshing = refreshWhile(context, session, over.signal);
  try {
    const end = await session.run();
    return end.t === "refused" ? end : { t: "ended", believed: session.believed, heard: true, error: undefined };
  } catch (error) {
    return { t: "failed", believed: session.believed, heard: stream.heard, error };
  } finally {
    signal.removeEventListener("abort", stop);
    over.abort();
    stream.close();
    await refreshing;
  }
}

async function dial(context: AttachContext, hub: HubAddress, signal: AbortSignal, ownCertificate: boolean): Promise<HubStream> {
  const { config, keys, planes, ports } = context;
  const place = planes.place;
  if (place === null) context.status.node({ state: "dialling", message: `the hub at ${hub.host}:${hub.port}` });
  return await ports.hub.dial(
    {
      ...hub,
      serverName: `hub.${config.cluster}`,
      rootCa: config.rootCa,
      certificate: place === null || ownCertificate ? keys.certificate : certificatesToPem(...place.certificateChain),
      key: keys.tlsKey,
      verifyHub: (chain) => {
        const { cluster, rootCa, now } = trustAt(config, ports.clock.now());
        return verifyIdentity({ chain, root: rootCa, role: "hub", cluster, now }).spki;
      },
    },
    signal,
  );
}

/** Keeps the status' view of the planes fresh, and the hub's. */
async function refreshWhile(context: AttachContext, session: Session, signal: AbortSignal): Promise<void> {
  for (;;) {
    await context.ports.clock.sleep(REFRESH_MS, signal);
    if (signal.aborted) return;
    if (context.planes.place === null) continue;
    // A kernel that can't be read now is read again in five seconds.
    await context.planes.refresh().catch(() => undefined);
    session.report();
  }
}

async function pauseRefused(context: AttachContext, end: Extract<SessionEnd, { t: "refused" }>, signal: AbortSignal): Promise<void> {
  const { code, id, message, retryAfterMs } = end.refusal;
  const pause = Math.max(500, retryAfterMs === 0 ? REFUSED_RETRY_MS : Math.min(retryAfterMs, 10 * REFUSED_RETRY_MS));
  if (retryAfterMs === 0) {
    await context.planes.takeDown();
    await context.horizon.clear();
  }
  const clean = (value: string): string => value.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 300);
  const retryInSeconds = Math.round(pause / 1000);
  context.status.node({ state: "refused", code: clean(code), id: clean(id), message: clean(message), retryInSeconds });
  await context.ports.clock.sleep(pause, signal);
}

function showBreak(context: AttachContext, attempt: Exclude<Attempt, { t: "refused" }>, hub: HubAddress): void {
  const why = attempt.error === undefined ? "the hub ended the stream" : errorChain(attempt.error);
  const place = context.planes.place;
  if (place !== null) {
    const { id, name, index } = place;
    if (context.planes.adrift) context.status.node({ state: "adrift", id, name, index, message: `all peers were dropped, the hub is away: ${why}` });
    else context.status.node({ state: "admitted", id, name, index, message: `planes stay up, the hub is away: ${why}` });
  } else {
    const code = attempt.error === undefined ? "CLOSED_BY_HUB" : errorCode(attempt.error);
    context.status.node({ state: "unreachable", code, message: `${hub.host}:${hub.port}: ${why}` });
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
