/** Baseline (a): the runtime answers, and does nothing else. The body is not even read. */
export default { fetch: () => new Response(null, { status: 204 }) } satisfies ExportedHandler;
