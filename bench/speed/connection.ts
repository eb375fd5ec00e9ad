/** One keep-alive HTTP connection, with at most one request under way. Reads as much of HTTP as the answers here have. */
import { type Socket, connect } from "node:net";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const headEnd = Buffer.from("\r\n\r\n");
const lastChunk = Buffer.from("0\r\n\r\n");

export class Connection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: ((answer: Answer | null) => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      const answer = answerIn(this.#received);
      if (answer === null) return;
      this.#received = Buffer.alloc(0);
      this.#settle(answer);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#settle(null);
    });
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Connection(socket));
      });
    });
  }

  get idle(): boolean {
    return this.#waiting === null && !this.#socket.destroyed;
  }

  /** True once nothing can be sent any more. */
  get ended(): boolean {
    return this.#socket.destroyed;
  }

  /** Calls back with the answer, or null if the connection ended before it. */
  send(request: Buffer, answered: (answer: Answer | null) => void): void {
    if (this.#socket.destroyed) {
      answered(null);
      return;
    }
    this.#waiting = answered;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #settle(answer: Answer | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(answer);
  }
}

/** The answer that these bytes are; null if its end is not there yet. */
export function answerIn(received: Buffer): Answer | null {
  const end = received.indexOf(headEnd);
  if (end < 0) return null;
  const head = received.toString("latin1", 0, end);
  const status = Number(head.slice(9, 12));
  const body = received.subarray(end + headEnd.length);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const ended =
    length !== undefined
      ? body.length >= Number(length)
      : !/\r\ntransfer-encoding: *chunked/i.test(head) || body.subarray(-lastChunk.length).equals(lastChunk);
  return ended ? { status, body: body.toString("latin1") } : null;
}
