/**
 * A proxy before the running system: it passes everything on, writes down what was asked, and does to the bodies of
 * parts what networks do: cuts them short, lets them stall, damages a byte.
 */
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** What is done to the body of one answer. */
export type Meddling =
  "pass" | { readonly cutAfter: number } | { readonly stallAfter: number } | { readonly damageAt: number };

export interface Asked {
  readonly path: string;
  readonly range: string | null;
}

export interface Meddler {
  readonly url: string;
  /** Everything that was asked since the last `forget`. */
  readonly asked: () => readonly Asked[];
  readonly parts: () => readonly Asked[];
  readonly forget: () => void;
  /** Decides for every part that is asked for; `no` counts from 1 since the last `forget`. */
  meddle: (asked: Asked, no: number) => Meddling;
  /** Resolves when a body has stalled. */
  readonly stalled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startMeddler(target: string): Promise<Meddler> {
  let asked: Asked[] = [];
  let stalls = 0;
  const hasStalled = (): boolean => stalls > 0;
  const isPart = ({ path }: Asked): boolean => path.includes("/parts/");

  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = { path: request.url ?? "", range: request.headers.range ?? null };
    asked.push(one);
    const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
      typeof value === "string" && name !== "host" && name !== "connection" ? [[name, value]] : [],
    );
    const reply = await fetch(`${target}${one.path}`, { method: request.method ?? "GET", headers });
    const bytes = Buffer.from(await reply.arrayBuffer());
    const what = isPart(one) ? meddler.meddle(one, asked.filter(isPart).length) : "pass";
    const passed = [...reply.headers].filter(([name]) => !["connection", "transfer-encoding"].includes(name));
    response.writeHead(
      reply.status,
      Object.fromEntries([...passed, ["content-length", String(bytes.length)]]),
    );
    if (what === "pass") {
      response.end(bytes);
    } else if ("damageAt" in what) {
      bytes[what.damageAt] = (bytes[what.damageAt] ?? 0) ^ 1;
      response.end(bytes);
    } else if ("cutAfter" in what) {
      response.write(bytes.subarray(0, what.cutAfter), () => response.destroy());
    } else {
      response.write(bytes.subarray(0, what.stallAfter), () => stalls++);
    }
  };
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const meddler: Meddler = {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    asked: () => asked,
    parts: () => asked.filter(isPart),
    forget: () => {
      asked = [];
      stalls = 0;
    },
    meddle: () => "pass",
    stalled: async () => {
      while (!hasStalled()) await pause(20);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
  return meddler;
}
