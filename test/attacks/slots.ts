/** Lets so many guests run at once, first come, first served; a row that needs two takes both at the same moment. */
export class GuestSlots {
  #free: number;
  readonly #waiting: { readonly count: number; readonly take: () => void }[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Waits until `count` are free, runs, and gives them back. */
  async use<T>(count: number, run: () => Promise<T>): Promise<T> {
    await new Promise<void>((take) => {
      this.#waiting.push({ count, take });
      this.#serve();
    });
    try {
      return await run();
    } finally {
      this.#free += count;
      this.#serve();
    }
  }

  #serve(): void {
    for (let first = this.#waiting[0]; first !== undefined && first.count <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= first.count;
      first.take();
    }
  }
}
