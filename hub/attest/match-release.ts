import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import type { Quirk } from "../../proto/eventlog/quirk.ts";
import type { Release, ReleaseImage } from "../../proto/release/release.ts";
import { ATTEST_CODES, type AttestCode } from "./codes.ts";
import { placeOf, toFinding } from "./finding.ts";
import { comparePcr, type Difference, type RuleFacts } from "./pcr-rules.ts";
import { Refusal } from "./refusal.ts";
import type { CheckedReplay } from "./replay.ts";
import type { Known } from "./types.ts";

/** An image of a current release that this boot is, PCR by PCR. */
export interface Match {
  readonly release: Release;
  readonly image: ReleaseImage;
  /** Generations of other current releases that hold the very same image: what they were approved for is true of this boot, too. */
  readonly sharedBy: readonly number[];
}

/** An image with the release that holds it. */
type Candidate = Omit<Match, "sharedBy">;

/** Which difference names the verdict when there are several: the first of these that occurs. */
const CLASSES: readonly AttestCode[] = [
  ...(["NO_RULE", "PCR_MISMATCH", "SECURE_BOOT_POLICY_WRONG", "PCR_NOT_ZERO", "PHASE_WRONG"] as const),
  ...(["BARRIER_MISSING", "QUIRK_REFUSED", "FIRMWARE_CHANGED"] as const),
];
/** Differences shown of one boot. */
const MAX_DIFFERENCES = 64;

/** Quirks that any current image of this cluster lists: no other is even tried. Which image it was is checked when it is known. */
export function listQuirks(known: Pick<Known, "cluster" | "releases">): ReadonlySet<Quirk> {
  const releases = known.releases.filter((r) => r.cluster === known.cluster);
  return new Set(releases.flatMap((r) => r.images.flatMap((image) => image.quirks ?? [])));
}

/**
 * Finds the image whose rules this boot obeys, then holds it against the role. `role` is the machine's own word: it picks what a
 * failed boot is compared with and must be the found image's, but decides nothing else. No current release: no verdict (P15), but who
 * runs a withdrawn one is told so. Throws Refusal with a finding for each PCR that differs.
 */
export function matchRelease(replay: CheckedReplay, role: string, known: Known): Match {
  const candidates = listCandidates(role, known);
  if (candidates.length === 0) throw matchOther(replay, known) ?? new Refusal("NO_RELEASE");
  const fits = ({ image }: Candidate): boolean => compareImage(image, replay, null, 1).length === 0;
  const match = candidates.find(fits);
  if (match === undefined) throw matchOther(replay, known) ?? explain(candidates, replay, role, known);
  checkRole(match.image, role, known.pinnedRole);
  const changed = compareImage(match.image, replay, known.baseline);
  if (changed.length > 0) throw refusalOf(changed);
  const others = candidates.filter((c) => c.release !== match.release && c.image.role === match.image.role && fits(c));
  return { ...match, sharedBy: others.map((c) => c.release.generation) };
}

/** Newest release first, and within it the claimed role's image: an image that two releases share counts for the newer. */
function listCandidates(role: string, known: Known): readonly Candidate[] {
  const releases = known.releases.filter((r) => r.cluster === known.cluster).sort((a, b) => b.generation - a.generation);
  const all = releases.flatMap((release) => release.images.map((image) => ({ release, image })));
  return [...all.filter((c) => c.image.role === role), ...all.filter((c) => c.image.role !== role)];
}

/** A boot that no current release explains may be one of another release that is known: withdrawn, staged, or older. */
function matchOther(replay: CheckedReplay, known: Known): Refusal | null {
  for (const { release, withdrawn } of known.otherReleases ?? []) {
    const image = release.cluster === known.cluster && release.images.find((i) => compareImage(i, replay, null, 1).length === 0);
    if (!image) continue;
    const which = `It is the image of ${image.role} in release ${release.id}, generation ${release.generation}.`;
    const code = withdrawn ? "RELEASE_WITHDRAWN" : "RELEASE_NOT_CURRENT";
    return new Refusal(code, `${ATTEST_CODES[code].text} ${which}`);
  }
  return null;
}

function checkRole(image: ReleaseImage, role: string, pinned: string | null): void {
  if (image.role !== role) throw new Refusal("ROLE_MISMATCH", `The machine claims the role ${role} and runs the image of ${image.role}.`);
  if (pinned !== null && image.role !== pinned) {
    throw new Refusal("ROLE_MISMATCH", `The machine runs the image of ${image.role}, its EK is pinned to ${pinned}.`);
  }
}

/** Differences by ascending PCR, at most `max`. Every quoted PCR is looked at, whatever the release lists. */
function compareImage(image: ReleaseImage, replay: CheckedReplay, baseline: Known["baseline"], max = MAX_DIFFERENCES): readonly Difference[] {
  const facts: RuleFacts = { baseline, secureBoot: replay.secureBoot, barrier: replay.barrier };
  const found: Difference[] = [...aboutWhole(image, replay)];
  for (const pcr of replay.boot.values()) {
    if (found.length >= max) break;
    found.push(...comparePcr(image, pcr, facts));
  }
  return found.slice(0, max);
}

/** What isn't one PCR's business. */
function aboutWhole(image: ReleaseImage, { barrier, quirks }: CheckedReplay): readonly Difference[] {
  const refused = quirks.filter((q) => image.quirks?.includes(q) !== true);
  const found: Difference[] = refused.map((q) => ({ code: "QUIRK_REFUSED", pcr: -1, index: -1, expected: null, found: q }));
  if (image.osSeparator === true && !barrier) found.push({ code: "BARRIER_MISSING", pcr: QUOTED_PCRS[0] ?? 0, index: -1, expected: null, found: null });
  return found;
}

function explain(candidates: readonly Candidate[], replay: CheckedReplay, role: string, known: Known): Refusal {
  const [reference] = candidates;
  if (reference === undefined || reference.image.role !== role) {
    return new Refusal("ROLE_UNKNOWN", `No current release has an image of the role ${role}, and the boot is none of the others.`);
  }
  return refusalOf(compareImage(reference.image, replay, known.baseline));
}

function refusalOf(differences: readonly Difference[]): Refusal {
  const code = CLASSES.find((c) => differences.some((d) => d.code === c)) ?? "PCR_MISMATCH";
  const findings = differences.map(toFinding);
  const first = findings.find((f) => f.code === code);
  const detail = first === undefined ? undefined : `${ATTEST_CODES[code].text} ${placeOf(first)}: ${first.what}.`;
  return new Refusal(code, detail, findings);
}
