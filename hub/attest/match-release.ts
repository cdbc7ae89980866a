import { QUOTED_PCRS } from "../../proto/evidence/limits.ts";
import type { Quirk } from "../../proto/eventlog/quirk.ts";
import type { Release, ReleaseImage } from "../../proto/release/release.ts";
import { ATTEST_CODES, type AttestCode } from "./codes.ts";
import type { Difference, Differences } from "./difference.ts";
import { placeOf, toFinding } from "./finding.ts";
import { comparePcr, type RuleFacts } from "./pcr-rules.ts";
import { Refusal, refuseField } from "./refusal.ts";
import type { CheckedReplay } from "./replay.ts";
import type { Known, OtherRelease } from "./types.ts";

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
  if (candidates.length === 0) throw matchOther(replay, known) ?? noRelease(known);
  const fits = ({ image }: Candidate): boolean => compareImage(image, replay, null, 1).length === 0;
  const match = candidates.find(fits);
  if (match === undefined) throw matchOther(replay, known) ?? explain(candidates, replay, role, known);
  checkRole(match.image, role, known.pinnedRole);
  const changed = compareImage(match.image, replay, known.baseline);
  if (isSome(changed)) throw refusalOf(changed);
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
  for (const other of known.otherReleases ?? []) {
    const { release } = other;
    const image = release.cluster === known.cluster && release.images.find((i) => compareImage(i, replay, null, 1).length === 0);
    if (image) return notCurrent(other, image, known);
  }
  return null;
}

function notCurrent(other: OtherRelease, { role }: ReleaseImage, known: Known): Refusal {
  const { release, withdrawn, sinceMs, reason } = other;
  const code = withdrawn ? "RELEASE_WITHDRAWN" : "RELEASE_NOT_CURRENT";
  const since = sinceMs === undefined ? "" : ` since ${new Date(sinceMs).toISOString().slice(0, 19)}Z`;
  const why = reason === undefined || reason === "" ? "" : `: ${reason}`;
  const found = `release ${nameOf(release)}, ${withdrawn ? "withdrawn" : "not current"}${since}${why}`;
  const detail = `${ATTEST_CODES[code].text} It is the image of ${role} in release ${release.id}, generation ${release.generation}.`;
  return refuseField(code, "release", { what: `release of the image of ${role}`, expected: currentText(known, role), found, detail });
}

function noRelease(known: Known): Refusal {
  return refuseField("NO_RELEASE", "release", { what: "release to judge by", expected: `a current release of cluster ${known.cluster}`, found: "none" });
}

/** The current releases that have an image of a role, in words. */
function currentText({ cluster, releases }: Known, role: string): string {
  const current = releases.filter((r) => r.cluster === cluster && r.images.some((image) => image.role === role));
  return current.length === 0 ? `a current release with an image of ${role}, of which there is none` : `release ${current.map(nameOf).join(" or ")}, current`;
}

function nameOf({ id, generation }: Release): string {
  return `${id} (generation ${generation})`;
}

function checkRole(image: ReleaseImage, role: string, pinned: string | null): void {
  if (image.role !== role) {
    const detail = `The machine claims the role ${role} and runs the image of ${image.role}.`;
    throw refuseField("ROLE_MISMATCH", "claims.role", { what: "role of the image that was measured", expected: `${role}, which the machine claims`, found: image.role, detail });
  }
  if (pinned !== null && image.role !== pinned) {
    const detail = `The machine runs the image of ${image.role}, its EK is pinned to ${pinned}.`;
    throw refuseField("ROLE_MISMATCH", "slot.role", { what: "role of the image that was measured", expected: `${pinned}, the role of the slot that its EK is pinned to`, found: image.role, detail });
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
  const said = { at: "field", code: "QUIRK_REFUSED", field: "firmwareLog.quirk", area: "a quirk of the firmware" } as const;
  const found: Difference[] = refused.map((q) => ({ ...said, expected: "a log by the book, or an image that lists the quirk", found: q }));
  if (image.osSeparator === true && !barrier) found.push({ at: "pcr", code: "BARRIER_MISSING", pcr: QUOTED_PCRS[0] ?? 0, expected: "the word os-separator", found: "no such event" });
  return found;
}

function explain(candidates: readonly Candidate[], replay: CheckedReplay, role: string, known: Known): Refusal {
  const [reference] = candidates;
  const differences = reference === undefined || reference.image.role !== role ? [] : compareImage(reference.image, replay, known.baseline);
  if (isSome(differences)) return refusalOf(differences);
  const roles = [...new Set(candidates.map(({ image }) => image.role))].join(", ");
  const detail = `No current release has an image of the role ${role}, and the boot is none of the others.`;
  return refuseField("ROLE_UNKNOWN", "claims.role", { what: "claimed role", expected: `one of the current releases' roles: ${roles}`, found: role, detail });
}

function isSome(differences: readonly Difference[]): differences is Differences {
  return differences.length > 0;
}

function refusalOf(differences: Differences): Refusal {
  const code = CLASSES.find((c) => differences.some((d) => d.code === c)) ?? "PCR_MISMATCH";
  const named = toFinding(differences.find((d) => d.code === code) ?? differences[0]);
  return new Refusal(code, differences, `${ATTEST_CODES[code].text} ${placeOf(named)}: ${named.what}.`);
}
