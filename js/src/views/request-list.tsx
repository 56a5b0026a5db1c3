// The list of the requests that a click makes.
import { t } from "../messages/tools";
import { ListPopover } from "./list-popover";

interface RequestListProps {
  anchor: HTMLElement;
  texts: readonly string[];
  titles: readonly string[];
  over: boolean;
  /** `refocus`: it was left by key, and the focus goes back. */
  onClose(refocus: boolean): void;
}

export function RequestList({ anchor, texts, titles, over, onClose }: RequestListProps) {
  return (
    <ListPopover
      anchor={anchor}
      label={t.composer.requests}
      class="ip-menu ip-request-list"
      testid="request-list"
      align="end"
      length={texts.length}
      onClose={onClose}
    >
      {over && <p class="ip-help">{t.composer.tooManyStep}</p>}
      {texts.length > 0 && (
        <ol>
          {texts.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ol>
      )}
      {titles.length > 0 && <p class="ip-help">{t.composer.eachOf(titles)}</p>}
    </ListPopover>
  );
}
