/** Holds clients back between two requests, so that a moment comes at which every event has its answer. */
export class Gate {
  #open: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;
  readonly #underWay = new Set<Promise<void>>();

  /** Runs `work` as soon as the gate is open. */
  async pass(work: () => Promise<void>): Promise<void> {
    await this.#open;
    const running = work();
    this.#underWay.add(running);
    try {
      await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** Lets nobody in any more, and resolves when everybody is out. */
  async close(): Promise<void> {
    this.#open = new Promise((release) => {
      this.#release = release;
    });
    // Whoever was at the open gate a moment ago is through it by the next turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await Promise.allSettled(this.#underWay);
  }

  open(): void {
    this.#release();
  }
}
