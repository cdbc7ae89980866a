import { judgeFailed } from "../attest/judge-failed.ts";
import type { AttestedFacts, Challenge, Known, OtherRelease, UnverifiedEvidence, Verdict } from "../attest/types.ts";
import type { Release } from "../../proto/release/release.ts";

/** What the hub knows, with its releases by the number under which the worker has them: they are large and seldom change. */
export interface KnownByNumber extends Omit<Known, "releases" | "otherReleases"> {
  readonly releases: readonly number[];
  readonly otherReleases: readonly (Omit<OtherRelease, "release"> & { readonly release: number })[];
}

/** To a worker. Both sides are ours: nothing of a stranger's stands outside of `evidence`. */
export type ToWorker =
  | { readonly t: "releases"; readonly add: readonly (readonly [number: number, release: Release])[]; readonly forget: readonly number[] }
  | { readonly t: "judge"; readonly evidence: UnverifiedEvidence; readonly challenge: Challenge; readonly known: KnownByNumber };

/** A verdict on its way between threads: release and image by their places in `known.releases`, firmware put into words. */
export type SentVerdict =
  | Extract<Verdict, { ok: false }>
  | { readonly ok: true; readonly releaseAt: number; readonly imageAt: number; readonly facts: Omit<AttestedFacts, "release" | "image"> };

/** From a worker: once that it runs, then one verdict for each `judge`, in their order. */
export type FromWorker = { readonly t: "ready" } | { readonly t: "verdict"; readonly verdict: SentVerdict };

/** Makes a verdict fit for another thread. The words for the firmware's events are made here, so that the hub's own thread needn't. */
export function sendable(verdict: Verdict, releases: readonly Release[]): SentVerdict {
  if (!verdict.ok) return verdict;
  const { release, image, ...facts } = verdict.facts;
  return { ok: true, releaseAt: releases.indexOf(release), imageAt: release.images.indexOf(image), facts };
}

/** The verdict about the caller's own objects. A place that isn't there is a fault of ours, and counts as no (P29b). */
export function received(sent: SentVerdict, releases: readonly Release[]): Verdict {
  if (!sent.ok) return sent;
  const release = releases[sent.releaseAt];
  const image = release?.images[sent.imageAt];
  if (release === undefined || image === undefined) return broken("the verdict names a release that nobody asked about");
  return { ok: true, facts: { ...sent.facts, release, image } };
}

/** The refusal for a verdict that never came. */
export function broken(why: string): Verdict {
  return judgeFailed(`${why}.`);
}
