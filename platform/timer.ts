/** Waiting, with a bound. */

export class DeadlineExceeded extends Error {
  override readonly name = "DeadlineExceeded";
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** The promise's own result, or `DeadlineExceeded` after `ms`. What it was waiting for may still happen. */
export async function withDeadline<Value>(promise: Promise<Value>, ms: number): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new DeadlineExceeded(`no answer within ${ms} ms`));
    }, ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** One timer for everything that one request waits for at a time; none is set until something does. */
export class Deadline {
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #acts: (() => void)[] = [];

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Acts when the time is over, counted from the first call. */
  whenOver(act: () => void): void {
    this.#acts.push(act);
    this.#timer ??= setTimeout(() => {
      for (const one of this.#acts) one();
    }, this.#ms);
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
