/**
 * Virtual time. Everything that happens is a task at a time; tasks run one by one, each with all the microtasks that it
 * causes, so that a run is a function of its seed. Nothing here waits on real time.
 */

/** A run of usual size takes some thousands, one over days many more. One that takes this many goes round in circles. */
export const stepsMax = 300_000;

export interface Task {
  cancelled: boolean;
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Scheduler {
  readonly #heap: Task[] = [];
  #order = 0;
  #stopped = false;
  nowMs: number;
  steps = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  at(atMs: number, run: () => void): Task {
    const task = { cancelled: false, atMs: Math.max(atMs, this.nowMs), order: this.#order++, run };
    this.#heap.push(task);
    this.#up(this.#heap.length - 1);
    return task;
  }

  after(ms: number, run: () => void): Task {
    return this.at(this.nowMs + ms, run);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  stop(): void {
    this.#stopped = true;
  }

  resume(): void {
    this.#stopped = false;
  }

  /** Runs until nothing is left to do, or somebody stops it. */
  run(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const step = (): void => {
      const task = this.#stopped ? undefined : this.#next();
      if (task === undefined) {
        resolve();
        return;
      }
      if (++this.steps > stepsMax) this.#stopped = true;
      this.nowMs = task.atMs;
      task.run();
      // The tick queue is looked at when no microtask is left: the next task meets everything at rest.
      queueMicrotask(() => {
        process.nextTick(step);
      });
    };
    process.nextTick(step);
    return promise;
  }

  #next(): Task | undefined {
    for (;;) {
      const task = this.#pop();
      if (task === undefined || !task.cancelled) return task;
    }
  }

  #pop(): Task | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    this.#heap[0] = last;
    this.#down();
    return first;
  }

  #up(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(heap, at, parent);
      at = parent;
    }
  }

  #down(): void {
    const heap = this.#heap;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && this.#before(child, least)) least = child;
      }
      if (least === at) return;
      this.#swap(heap, at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (left === undefined || right === undefined) return false;
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
  }

  #swap(heap: Task[], a: number, b: number): void {
    const [left, right] = [heap[a], heap[b]];
    if (left === undefined || right === undefined) return;
    heap[a] = right;
    heap[b] = left;
  }
}
