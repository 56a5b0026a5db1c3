// The button that lets a text model improve the prompt.
import { inertReason } from "../lib/connection";
import { t } from "../messages";
import { isImproving } from "../slices/drafts";
import { writerMissing, writerOf } from "../slices/improving";
import type { State } from "../store";
import { usePage, useStore } from "./context";
import { Menu } from "./menu";

export function ImproveMenu() {
  const busy = useStore(isImproving);
  const disabled = useStore(({ usable, prompt }) => !usable || prompt.trim() === "");
  const tip = useStore(tipOf);
  const page = usePage();
  return (
    <Menu
      icon={busy ? "spinner" : "improve"}
      label={t.improve.label}
      tip={busy ? t.improve.working : tip}
      // The button can be pressed while it works: a disabled button would lose the focus.
      items={(tools) => tools.improveItems(busy, page)}
      testid="improve"
      disabled={disabled}
      busy={busy}
    />
  );
}

/** Return which text model would improve the prompt, or why none can. */
function tipOf(state: State): string {
  const writer = writerOf(state);
  return inertReason(state) ?? (writer === null ? writerMissing(state) : t.improve.by(writer));
}
