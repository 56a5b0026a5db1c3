// The way through the images of a grid by keys. Pure.
import type { GenerationState } from "../protocol.gen";
import type { Plan } from "./sweep-room";

/** The finished images as they stand, row by row; null where there is none. */
export type Board = (string | null)[][];

/** Return the finished images of a grid as they stand, one row of images after the other. */
export function boardOf(plan: Plan, imagesIn: (cell: number) => readonly GenerationState[]): Board {
  const { across } = plan;
  return plan.facets.flatMap(({ lines }) =>
    lines.flatMap(({ cells }) => {
      const images = cells.map(imagesIn);
      const rows = Math.ceil(Math.max(1, ...images.map(({ length }) => length)) / across);
      return Array.from({ length: rows }, (_, row) =>
        images.flatMap((own) =>
          Array.from({ length: across }, (__, at) => {
            const image = own[row * across + at];
            return image?.status === "success" ? image.id : null;
          }),
        ),
      );
    }),
  );
}

/**
 * Return the image to which a key leads; undefined where the key leads nowhere.
 *
 * @param whole whether Home and End lead to an end of the grid, and not of the row
 */
export function stepOn(board: Board, from: string, key: string, whole: boolean): string | undefined {
  const row = board.findIndex((images) => images.includes(from));
  const own = board[row];
  if (!own) return undefined;
  const column = own.indexOf(from);
  const some = (images: Board[number]): string[] => images.filter((id) => id !== null);
  if (key === "ArrowRight") return some(own.slice(column + 1))[0];
  if (key === "ArrowLeft") return some(own.slice(0, column)).at(-1);
  if (key === "Home") return some(whole ? board.flat() : own)[0];
  if (key === "End") return some(whole ? board.flat() : own).at(-1);
  const by = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!by) return undefined;
  for (let index = row + by; index >= 0 && index < board.length; index += by) {
    const next = nearest(board[index] ?? [], column);
    if (next) return next;
  }
  return undefined;
}

/** Return the image to go on to from one that will be gone: the one after it, the one before, or any. */
export function heirOn(board: Board, gone: string): string | undefined {
  const all = board.flat().filter((id) => id !== null);
  const at = all.indexOf(gone);
  return all[at + 1] ?? (at > 0 ? all[at - 1] : undefined);
}

function nearest(images: Board[number], column: number): string | undefined {
  let best: number | undefined;
  for (const [at, id] of images.entries())
    if (id !== null && (best === undefined || Math.abs(at - column) < Math.abs(best - column))) best = at;
  return best === undefined ? undefined : (images[best] ?? undefined);
}
