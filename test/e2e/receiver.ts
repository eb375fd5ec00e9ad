/** A receiver of webhooks as somebody else runs it: keeps what it was sent, and answers as a test tells it to. */
import { createHmac } from "node:crypto";
import { type IncomingHttpHeaders, createServer } from "node:http";
import * as z from "zod";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  /** What the Worker signs with. */
  readonly secret: string;
  received: Received[];
  /** Statuses of the next answers; 200 after them. 0: the connection is cut. */
  answers: number[];
  readonly close: () => Promise<void>;
}

const secretText = Buffer.from("a secret of twenty-four bytes").toString("base64");

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
    request.on("end", () => {
      receiver.received.push({ path: request.url ?? "", headers: request.headers, body });
      const status = receiver.answers.shift() ?? 200;
      if (status === 0) request.socket.destroy();
      else response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const receiver: Receiver = {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    secret: `whsec_${secretText}`,
    received: [],
    answers: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
  return receiver;
}

const Body = z.object({
  type: z.literal("hourseal.buckets"),
  data: z.object({
    alerts: z.array(z.looseObject({ type: z.string(), hour: z.string(), condition: z.string() })),
  }),
});

/** The alerts of one message. */
export function alertsIn({ body }: Received): z.infer<typeof Body>["data"]["alerts"] {
  return Body.parse(JSON.parse(body)).data.alerts;
}

/** As a receiver checks it, by Standard Webhooks. */
export function isSigned({ headers, body }: Received): boolean {
  const [id, timestamp] = [String(headers["webhook-id"]), String(headers["webhook-timestamp"])];
  const key = Buffer.from(secretText, "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return (
    headers["webhook-signature"] === `v1,${signature}` &&
    Math.abs(Date.now() / 1_000 - Number(timestamp)) < 300
  );
}
