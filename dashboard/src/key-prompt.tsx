/** Asks for the key. Alone on the page at first; above what is shown, if a key stopped being good. */
import { useState } from "preact/hooks";

interface Given {
  /** Why the last key is not good; null: none was given yet. */
  readonly fault: string | null;
  readonly enter: (key: string) => void;
}

export function KeyPrompt({ fault, enter }: Given) {
  const [text, setText] = useState("");
  const form = (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        const key = text.trim();
        if (key !== "") enter(key);
      }}
    >
      <label for="key">Key</label>
      <input
        id="key"
        type="password"
        autocomplete="off"
        spellcheck={false}
        autofocus={fault === null}
        value={text}
        aria-describedby="key-help"
        {...(fault === null ? {} : { "aria-invalid": true })}
        onInput={(event) => {
          setText(event.currentTarget.value);
        }}
      />
      <button type="submit">{fault === null ? "Open" : "Go on"}</button>
      <p id="key-help" class="hint">
        A key with <code>read:audit</code> sees buckets and streams; <code>admin</code> sees the keys, too. It
        is kept in this tab only.
      </p>
    </form>
  );
  if (fault !== null) {
    return (
      <section class="key-again" aria-label="Key">
        <p role="alert" class="fault">
          <strong>The key was refused.</strong> {fault} What is shown is as it was.
        </p>
        {form}
      </section>
    );
  }
  return (
    <main class="gate">
      <h1>Hourseal</h1>
      <p>Which hours are sealed, which are late, and what is missing.</p>
      {form}
    </main>
  );
}
