/** All that one isolate remembers between requests. Hints and counters only: every promise survives losing it. */
import type { Plan } from "../../domain/plan.ts";
import { AppendLanes } from "./append-lanes.ts";
import { EdgeAccounts } from "./edge-account.ts";
import { EdgeRates } from "./edge-rates.ts";
import { ClosedHours, Learned } from "./learned.ts";

export class EdgeMemory {
  readonly accounts = new EdgeAccounts();
  readonly lanes = new AppendLanes();
  readonly rates = new EdgeRates();
  readonly closedHours = new ClosedHours();
  readonly correctedPlans = new Learned<Plan>();
}
