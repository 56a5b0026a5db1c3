// What can be done with an image, on its tile.
import { useLayoutEffect, useRef } from "preact/hooks";
import { carryFile } from "../lib/drag-files";
import { labOffers } from "../lib/jupyterlab";
import type { Media } from "../media";
import { t as edits } from "../messages/edit";
import { t } from "../messages/tools";
import { heldOriginal, viewOf } from "../originals";
import type { BatchState, GenerationState } from "../protocol.gen";
import { addImage } from "../slices/adding";
import { chooseCover } from "../slices/covers";
import { useActions, usePage, useStore } from "./context";
import { copyWords } from "./copy";
import { copyImage, saveOriginal } from "./download";
import { editImage } from "./edit-image";
import { followUpItems } from "./follow-up-items";
import { leaveTiles } from "./leave-tiles";
import { Menu, type MenuItem } from "./menu";
import { IconButton } from "./parts";
import { insertPicture } from "./to-notebook";

interface TileActionsProps {
  generation: GenerationState;
  batch: BatchState;
}

export function TileActions({ generation, batch }: TileActionsProps) {
  const page = usePage();
  const { media } = page;
  const actions = useActions();
  const row = useRef<HTMLDivElement>(null);
  const usable = useStore((state) => state.usable);
  const { id, seed, starred } = generation;
  // Of an image that is not shown, only the file is of use.
  const shown = !media.hidden.has(id);
  const download = (): void => void saveOriginal(media, id, actions);
  useDragOut(row, media, batch, generation);
  const edit = (): void => editImage(page, batch, generation, row.current);
  const followUps = (): MenuItem[] => {
    const items = followUpItems(page, batch, generation, row.current);
    const entry = { icon: "followUp", text: edits.follow.title, testid: "follow-up" } as const;
    return items.length > 0 ? [{ ...entry, more: () => items }] : [];
  };
  return (
    <div ref={row} class="ip-tile-foot" inert={!usable}>
      <div class="ip-tile-actions">
        {shown && (
          <IconButton
            icon="edit"
            label={edits.edit.image}
            text={edits.edit.short}
            testid="edit-image"
            onClick={edit}
          />
        )}
        <IconButton icon="download" label={t.tile.download} testid="download" onClick={download} />
        <span class="ip-tile-second">
          {shown && (
            <IconButton
              icon="addImage"
              label={t.tile.reference}
              testid="use-as-reference"
              onClick={() => addImage(page, generation)}
            />
          )}
          {seed !== null && (
            <IconButton
              icon="seed"
              label={t.tile.seed(seed)}
              testid="reuse-seed"
              onClick={() => actions.reuseSeed(batch, seed)}
            />
          )}
        </span>
        <Menu
          icon="more"
          label={t.tile.more}
          testid="tile-menu"
          items={() => [
            ...(shown
              ? [
                  { icon: "edit" as const, text: edits.edit.image, testid: "edit-image", onChoose: edit },
                  ...followUps(),
                  {
                    icon: "copy" as const,
                    text: t.tile.copyImage,
                    testid: "copy-image",
                    onChoose: () => void copyImage(media, id, actions),
                  },
                ]
              : []),
            {
              icon: "copy",
              text: t.batch.copyPrompt,
              onChoose: () => void copyWords(batch.prompt, t.batch.promptCopied, actions),
            },
            { icon: "download", text: t.tile.download, onChoose: download },
            ...(shown && labOffers()
              ? [
                  {
                    icon: "insert" as const,
                    text: t.tile.insert,
                    testid: "insert-picture",
                    onChoose: () => void insertPicture(batch, id, page),
                  },
                ]
              : []),
            { icon: "settings", text: t.tile.settings, apart: true, onChoose: () => actions.reuse(batch) },
            ...(seed === null
              ? []
              : [
                  {
                    icon: "seed" as const,
                    text: t.tile.seed(seed),
                    onChoose: () => actions.reuseSeed(batch, seed),
                  },
                ]),
            ...(shown
              ? [
                  {
                    icon: "addImage" as const,
                    text: t.tile.reference,
                    onChoose: () => addImage(page, generation),
                  },
                ]
              : []),
            {
              icon: "star",
              text: starred ? t.tile.unstarImage : t.tile.starImage,
              apart: true,
              onChoose: () => void actions.star([id], !starred),
            },
            ...(shown
              ? [
                  {
                    icon: "cover" as const,
                    text: t.tile.cover,
                    testid: "use-as-cover",
                    onChoose: () => void chooseCover(page, batch.topicId, id),
                  },
                ]
              : []),
            {
              icon: "delete",
              text: t.tile.delete,
              testid: "delete-generation",
              danger: true,
              apart: true,
              onChoose: () => {
                leaveTiles([id]);
                void actions.deleteGenerations([id]);
              },
            },
          ]}
        />
      </div>
    </div>
  );
}

/**
 * Let the tile be dragged out of the browser as a file. The tile itself is drawn by the core; what only a pointer on
 * it needs is loaded with its buttons.
 */
function useDragOut(
  row: { readonly current: HTMLElement | null },
  media: Media,
  batch: BatchState,
  generation: GenerationState,
): void {
  useLayoutEffect(() => {
    const tile = row.current?.closest<HTMLElement>("li");
    if (!tile) return undefined;
    const { id } = generation;
    const ended = new AbortController();
    const { signal } = ended;
    tile.addEventListener(
      "dragstart",
      (event) =>
        carryFile(event, batch, generation, {
          address: media.addressOf?.(id),
          held: heldOriginal(media, id),
        }),
      { signal },
    );
    tile.addEventListener(
      "pointerdown",
      ({ button, pointerType, target }) => {
        // A drag must find the original in memory, and a click shows it large.
        const onImage = target instanceof Element && target.closest("[data-select]");
        if (onImage && button === 0 && pointerType === "mouse" && !media.addressOf)
          viewOf(media, id).catch(() => undefined);
      },
      { signal },
    );
    return () => ended.abort();
  }, [media, batch, generation]);
}
