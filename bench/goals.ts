/** The numbers to reach (DESIGN §6), each with what it is held against. A benchmark prints its figure beside its goal. */
export const GOALS = {
  verdict: {
    /** One full verification of logs never seen, one core. */
    coldMs: 0.5,
    /** Logs seen before: times the bare signature check and SHA-256 of the logs. */
    seenTimes: 3,
    /** Keylime's check of a quote alone, without a log (ACSAC 2016, tables 2 and 3). */
    keylimeMs: 4.64,
  },
  build: {
    /** All images of a cluster from a warm cache, and one changed role, seconds. */
    warmSeconds: 30,
    oneRoleSeconds: 10,
    /** A worker's disk, MB. */
    workerMb: 400,
    /** mkosi 25, one virtual machine's image on an SSD (blog.wang-lu.com, August 2025), seconds. */
    mkosi: { coldSeconds: 90, warmSeconds: 30 },
    /** Talos' smallest disk image (siderolabs/talos, pull request 5097), MB. */
    talosDiskMb: 1246,
  },
  agent: {
    /** Process start → admission quote sent, on swtpm. */
    quoteMs: 100,
  },
} as const;
