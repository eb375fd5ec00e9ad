/** Every command says how it is used: asked with `--help`, and after an argument that it does not know. */
import { expect, test } from "vitest";
import { runScript } from "./run-script.ts";

test.for(["start", "verify", "replay", "streams", "pull", "report", "ops", "plan-sim", "crash"])(
  "%s",
  async (name) => {
    const [asked, wrong] = await Promise.all([runScript(name, ["--help"]), runScript(name, ["--nonsense"])]);
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(asked.stdout).toMatch(new RegExp(`^npm run ${name}|^npm ${name}`));
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("--nonsense");
    expect(wrong.stderr).toContain(asked.stdout.trim());
  },
);
