import type { Window } from "../../../proto/gen/kubedos/v1/admin.ts";
import { formatAge } from "./age.ts";
import { windowObject } from "./objects.ts";
import { printable } from "./printable.ts";
import type { View } from "./view.ts";

/** The enrolment window in all forms. */
export function windowView(w: Window): View {
  return { object: windowObject(w), names: [w.open ? "open" : "closed"], human: (style) => windowText(w, style.now) };
}

function windowText(w: Window, now: number): string {
  if (!w.open) return "the window is closed: no new identity may ask";
  const left = formatAge(Math.max(0, Number(w.expiresMs) - now));
  return `the window is open for ${left} and ${w.remaining} more new identities, opened by ${printable(w.openedBy) || "an operator"}`;
}
