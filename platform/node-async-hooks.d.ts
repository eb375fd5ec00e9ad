/** What is used of the runtime's async_hooks: the platform's own types do not describe the modules of Node. */
declare module "node:async_hooks" {
  export class AsyncLocalStorage<Store> {
    run<Result>(store: Store, act: () => Result): Result;
    getStore(): Store | undefined;
  }
}
