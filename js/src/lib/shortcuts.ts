// All shortcuts, as the list that `?` opens shows them. A new shortcut gets a line here.
import { t as edits } from "../messages/edit";
import { t } from "../messages/tools";
import { commandKey } from "./keyboard";

export interface Shortcut {
  /** Keys that are pressed together. Several lists are several ways to the same action. */
  keys: readonly (readonly string[])[];
  text: string;
}

export interface ShortcutGroup {
  title: string;
  shortcuts: readonly Shortcut[];
}

/** Return the groups in the language that is shown. */
export function shortcutGroups(): ShortcutGroup[] {
  const { keys, ...words } = t.shortcuts;
  return [
    {
      title: words.everywhere,
      shortcuts: [
        { keys: [["?"]], text: words.help },
        { keys: [["F"]], text: words.fill },
        { keys: [["P"]], text: words.prompt },
        { keys: [["T"]], text: words.toTopics },
        { keys: [["G"]], text: words.gallery },
        { keys: [["["]], text: words.configuration },
        { keys: [["]"]], text: words.topics },
        { keys: [[keys.arrows]], text: words.move },
        { keys: [[commandKey(), "Z"]], text: words.undo },
        { keys: [[keys.escape]], text: words.leave },
      ],
    },
    {
      title: words.composer,
      shortcuts: [
        { keys: [[keys.enter]], text: words.generate },
        { keys: [[keys.shift, keys.enter]], text: words.line },
        { keys: [["↑"], ["↓"]], text: t.composer.walkKeys },
      ],
    },
    {
      title: t.model.list,
      shortcuts: [
        {
          keys: [
            [commandKey(), keys.enter],
            [commandKey(), t.feed.click],
          ],
          text: t.model.askKeys,
        },
      ],
    },
    {
      title: t.topics.list,
      shortcuts: [
        { keys: [[keys.arrows]], text: t.topics.goKeys },
        { keys: [["F2"]], text: t.topics.rename },
        { keys: [[keys.delete]], text: t.topics.delete },
      ],
    },
    {
      title: t.feed.feed,
      shortcuts: [
        { keys: [["/"]], text: t.filter.open },
        { keys: [[keys.arrows]], text: t.feed.keyArrows },
        { keys: [["+"], ["−"]], text: t.feed.size },
        { keys: [[keys.enter]], text: t.feed.keyOpen },
        {
          keys: [
            [commandKey(), t.feed.click],
            [commandKey(), keys.enter],
          ],
          text: t.feed.keySelect,
        },
        {
          keys: [
            [keys.shift, t.feed.click],
            [keys.shift, keys.enter],
          ],
          text: t.feed.keyRange,
        },
        { keys: [[commandKey(), "A"]], text: t.selection.all },
        { keys: [["S"]], text: t.selection.goKey },
        { keys: [[keys.delete]], text: t.feed.keyDelete },
        { keys: [[keys.escape]], text: t.selection.clear },
      ],
    },
    {
      title: t.lightbox.title,
      shortcuts: [
        { keys: [["←"], ["→"]], text: t.lightbox.goKeys },
        {
          keys: [
            ["Alt", "←"],
            ["Alt", "→"],
          ],
          text: t.versions.walkKeys,
        },
        {
          keys: [
            ["Alt", "↑"],
            ["Alt", "↓"],
          ],
          text: t.versions.besideKeys,
        },
        { keys: [["+"], ["−"]], text: t.lightbox.zoomKeys },
        { keys: [["0"]], text: t.lightbox.fitKeys },
        { keys: [["1"]], text: t.lightbox.trueKeys },
        { keys: [["I"]], text: t.lightbox.info },
        { keys: [["C"]], text: t.lightbox.compareKeys },
        { keys: [["E"]], text: edits.edit.image },
        { keys: [["F"]], text: t.tile.star },
        { keys: [[keys.delete]], text: t.tile.delete },
        { keys: [[keys.escape]], text: t.lightbox.leaveKeys },
      ],
    },
    {
      title: t.references.title,
      shortcuts: [
        { keys: [["←"], ["→"]], text: t.references.goKeys },
        {
          keys: [
            [keys.shift, "←"],
            [keys.shift, "→"],
          ],
          text: t.references.moveKeys,
        },
        { keys: [[keys.delete]], text: t.references.removeKeys },
      ],
    },
    {
      title: t.mask.paint,
      shortcuts: [
        { keys: [[keys.arrows]], text: t.mask.moveKeys },
        { keys: [[keys.shift, keys.arrows]], text: t.mask.fineKeys },
        { keys: [["B"], ["E"]], text: t.mask.toolKeys },
        { keys: [["["], ["]"]], text: t.mask.sizeKeys },
        { keys: [[keys.space]], text: t.mask.downKeys },
        { keys: [["I"]], text: t.mask.invert },
        { keys: [[commandKey(), "Z"]], text: t.mask.undo },
        {
          keys: [
            [commandKey(), keys.shift, "Z"],
            [commandKey(), "Y"],
          ],
          text: t.mask.redo,
        },
      ],
    },
  ];
}
