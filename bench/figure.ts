/** One line of a benchmark: what was reached, beside what was to be reached and what others reach. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** What the figure should not exceed; null: it is a reference of its own. */
  readonly goal: number | null;
  readonly figure: number;
  readonly reference: number;
  readonly referenceName: string;
  /** Whether the reference was measured in this run or is somebody's published number. */
  readonly kind: "measured" | "quoted";
}

/** Whether a figure keeps its goal. */
export function isKept({ goal, figure }: Figure): boolean {
  return goal === null || figure <= goal;
}

/** Three significant digits: more would be noise. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}
