/**
 * Baseline (a): the runtime takes the body in, and answers; nobody looks at it. It has to be read: the runtime ends a
 * connection on which more than a little of a body is left over.
 */
export default {
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler;
