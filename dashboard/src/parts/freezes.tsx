/** What operators have frozen: while it holds nothing of it is deleted, and storage grows. Said where it matters, until it is lifted. */
import { type FreezesReply, loadFreezes } from "../api/load.ts";
import { usePolled } from "../api/use-polled.ts";
import { freezesOf } from "../model/freezes.ts";
import { momentLabel } from "../model/hours.ts";

interface Given {
  /** The stream that the page is about; null: all of them. */
  readonly type: string | null;
}

const shownMax = 3;

export function Freezes({ type }: Given) {
  const { value } = usePolled("freezes", loadFreezes);
  const freezes = freezesOf(value?.freezes ?? [], type);
  if (freezes.length === 0) return null;
  return (
    <ul class="frozen" aria-label="Frozen deletions">
      {freezes.slice(0, shownMax).map((freeze) => (
        <li key={freeze.type ?? ""}>
          <FreezeText freeze={freeze} named={type === null} />
        </li>
      ))}
      {freezes.length > shownMax && <li>and {freezes.length - shownMax} more: npm run report lists them</li>}
    </ul>
  );
}

interface TextGiven {
  readonly freeze: FreezesReply["freezes"][number];
  readonly named: boolean;
}

function FreezeText({ freeze, named }: TextGiven) {
  const { type, since, author, note } = freeze;
  return (
    <>
      <strong>Frozen</strong> since <time dateTime={since}>{momentLabel(since)}</time>: nothing of{" "}
      {type === null ? "any stream" : named ? type : "this stream"} is deleted.{" "}
      <span class="hint">
        {author === "" ? "" : `By ${author}`}
        {note === "" ? "" : `${author === "" ? "" : ": "}${note}`}
      </span>
    </>
  );
}
