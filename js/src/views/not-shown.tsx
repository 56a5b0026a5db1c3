// In the place of an image that is stored but not shown here: the reason, and the way to its file.
import { kindText } from "../lib/references";
import type { Hidden } from "../media";
import { t } from "../messages/download";
import type { GenerationState } from "../protocol.gen";
import { useActions, usePage, useStore } from "./context";
import { saveOriginal } from "./download";
import { Icon } from "./icon";
import { IconButton } from "./parts";

interface NotShownProps {
  generation: GenerationState;
  reason: Hidden;
}

export function NotShown({ generation, reason }: NotShownProps) {
  const { media } = usePage();
  const actions = useActions();
  const usable = useStore((state) => state.usable);
  return (
    <div class="ip-not-shown" data-testid="not-shown" data-reason={reason}>
      <Icon name="hide" size={20} />
      <p class="ip-stopped-words">
        <strong>{hiddenText(reason, generation.mediaType)}</strong>
        {reason !== "gone" && <span>{t.tile.kept}</span>}
      </p>
      {reason !== "gone" && (
        <div class="ip-stopped-actions" inert={!usable}>
          <IconButton
            icon="download"
            label={t.tile.download}
            text={t.tile.save}
            testid="download-hidden"
            onClick={() => void saveOriginal(media, generation.id, actions)}
          />
        </div>
      )}
    </div>
  );
}

function hiddenText(reason: Hidden, mediaType: string | null): string {
  switch (reason) {
    case "large":
      return t.tile.tooLarge;
    case "damaged":
      return t.tile.unreadable;
    case "gone":
      return t.tile.gone;
    case "kind":
      return mediaType?.startsWith("image/") ? t.tile.kindHidden(kindText(mediaType)) : t.tile.unknownKind;
  }
}
