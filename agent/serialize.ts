/** Runs the given jobs one after the other, in the order of the calls; a failed job doesn't stop the next. */
export type Serialize = <T>(job: () => Promise<T>) => Promise<T>;

/** A queue of its own. */
export function createSerialize(): Serialize {
  let last: Promise<unknown> = Promise.resolve();
  return async (job) => {
    const mine = last.then(job, job);
    last = mine.catch(() => undefined);
    return await mine;
  };
}
