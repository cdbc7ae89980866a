/** A duration for people in at most two units: 42s, 3m12s, 5h2m, 3d4h; "-" where it is unknown or negative. */
export function formatAge(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return "-";
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${s % 60}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d${Math.floor((s % 86_400) / 3600)}h`;
}

/** Age of a moment that the hub reported (milliseconds since 1970; 0 means never). */
export function ageOf(atMs: number, nowMs: number): string {
  // The hub's clock may be a little ahead of ours; that is an age of 0, not an unknown one.
  return atMs === 0 ? "-" : formatAge(Math.max(0, nowMs - atMs));
}
