/** Is a port free? Asked before the slow start, so that the answer comes at once and in words. */
import { createServer } from "node:net";

export class PortInUse extends Error {
  override readonly name = "PortInUse";
}

export async function assertPortFree(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) => {
      const inUse = "code" in error && error.code === "EADDRINUSE";
      reject(inUse ? new PortInUse(`port ${port} is in use; choose another with --port`) : error);
    });
    probe.listen(port, "127.0.0.1", () => {
      probe.close(() => {
        resolve();
      });
    });
  });
}
