import { diffBaselines } from "./firmware.ts";
import { type Finding, toFinding } from "./finding.ts";
import type { Baseline } from "./types.ts";

/** What lies between the firmware of an approval and that of now. */
export interface FirmwareChange {
  /** Event by event. */
  readonly findings: readonly Finding[];
  /** In a few words: what kinds of things changed, each with its PCRs. */
  readonly summary: string;
}

/** From one recorded firmware to another; null where they are the same. For people: the values decide (diffBaselines). */
export function firmwareChange(before: Baseline, after: Baseline): FirmwareChange | null {
  const differences = diffBaselines(before, after);
  if (differences.length === 0) return null;
  const findings = differences.map(toFinding);
  const areas = new Map<string, Set<number>>();
  for (const { what, pcr } of findings.flatMap((f) => (f.at === "field" ? [] : [f]))) {
    const [area = ""] = what.split(":", 1);
    areas.set(area, (areas.get(area) ?? new Set()).add(pcr));
  }
  return { findings, summary: [...areas].map(([area, pcrs]) => `${area} (PCR ${[...pcrs].join(", ")})`).join(", ") };
}
