// The thumbnails that scrolling shows next, many in one message.
import { useEffect, useRef } from "preact/hooks";
import { usePage, useStore } from "./context";
import type { Row } from "./use-rows";

/** How many of the next images have their thumbnails. A message with more of them would hold up a frame. */
const AHEAD = 12;
/** The page asks when so many of these thumbnails are missing. */
const WORTH = 6;

/**
 * Ask for the thumbnails beyond the drawn rows, in the direction in which the user scrolls.
 *
 * Each message of a page makes the kernel busy and idle again, and JupyterLab draws its toolbars anew each time: a
 * message for each row would cost more than all rows. And a picture that is there already needs no skeleton.
 *
 * @param imagesOf returns the finished images of a row, or undefined beyond the rows that the page knows
 */
export function useAhead(
  rows: readonly Row[],
  imagesOf: (index: number) => readonly string[] | undefined,
): void {
  const { media } = usePage();
  const live = useStore((state) => state.live);
  const before = useRef<number | undefined>(undefined);
  const first = rows[0]?.index ?? 0;
  const last = rows.at(-1);
  const end = last?.index ?? 0;
  useEffect(() => {
    // Near an end of the list, only the other end of what is drawn moves.
    const way = Math.sign(first + end - (before.current ?? first + end));
    before.current = first + end;
    if (way === 0 || !live || last?.passing) return undefined;
    const missing: string[] = [];
    let seen = 0;
    for (let index = way > 0 ? end + 1 : first - 1; seen < AHEAD; index += way) {
      const images = imagesOf(index);
      if (!images) break;
      seen += images.length;
      for (const id of images)
        if (media.thumbnails.get(id) === undefined && !media.hidden.has(id)) missing.push(id);
    }
    if (missing.length < WORTH) return undefined;
    const stops = missing.map((id) => media.wantedThumbnails.want(id));
    return () => {
      for (const stop of stops) stop();
    };
  }, [first, end, live, media]);
}
