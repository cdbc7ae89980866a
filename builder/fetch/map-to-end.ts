/**
 * `work` for every item, at most `limit` at once; results in the order of the items. The first error stops the others by their signal,
 * and is thrown only when the last of them has ended: nothing goes on behind the caller's back.
 */
export async function mapToEnd<T, R>(items: readonly T[], limit: number, work: (item: T, signal: AbortSignal) => Promise<R>, signal?: AbortSignal): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const failed: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const [i, item] of queue) {
      if (failed.length > 0) return;
      try {
        results[i] = await work(item, either);
      } catch (e) {
        failed.push(e);
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failed.length > 0) throw failed[0];
  return results;
}
