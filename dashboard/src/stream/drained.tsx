/** That the stream takes no new events, until an operator undoes it: whoever wonders why it is empty reads it here. */
import type { StreamReply } from "../../../domain/view/stream.ts";
import { momentLabel } from "../model/hours.ts";

export function Drained({ drained }: Pick<StreamReply, "drained">) {
  if (drained === null) return null;
  const { since, author, note } = drained;
  return (
    <p class="frozen">
      <strong>Drained</strong> since <time dateTime={since}>{momentLabel(since)}</time>: this stream takes no
      new events.{" "}
      <span class="hint">
        By {author === "" ? "somebody" : author}
        {note === "" ? "" : `: ${note}`}
      </span>
    </p>
  );
}
