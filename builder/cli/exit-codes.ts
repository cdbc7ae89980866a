/** Exit codes of kubedos programs (DESIGN §4 "CLI"). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  permission: 5,
  unavailable: 6,
  timeout: 7,
  refused: 8,
  interrupted: 130,
} as const;
