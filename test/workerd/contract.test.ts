/** The contracts that the fakes keep, on the simulators of R2, D1 and an object's storage. */
import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { r2Objects } from "../../platform/objects.ts";
import { d1Contract } from "../contract/d1.contract.ts";
import { objectStoreContract } from "../contract/object-store.contract.ts";
import { storageContract } from "../contract/storage.contract.ts";
import { bucket } from "./helpers.ts";
import { hourText, bucketOf } from "./helpers-objects.ts";

objectStoreContract("R2", "contract/", () => r2Objects(env.EVENTS));

d1Contract("D1", () => env.CATALOG);

// A bucket's constructor reads nothing, so that it lives on tables that are not its own.
storageContract("a Durable Object", (object) => {
  const address = bucket(`contract/${object}`, hourText);
  return {
    use: (act) => runInDurableObject(bucketOf(address), (_instance, { storage }) => act(storage)),
    restart: () => abortAllDurableObjects(),
  };
});
