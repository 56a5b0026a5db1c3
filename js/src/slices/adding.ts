// Adding references to those beside the prompt, and bringing them to the kernel.
import { modelOf } from "../lib/parameters";
import { linkOf, moved, problemOf, problemsOf } from "../lib/references";
import { kindOf } from "../lib/upload";
import { t } from "../messages/adding";
import type { GenerationState, ModelState, ReferenceState, Wish } from "../protocol.gen";
import { offerFound } from "./offers";
import { type HeldReference, heldAlready, heldOnTheWay } from "./references";
import type { Reach, State } from "./state";
import { createTransfers, type Transfers } from "./transfers";

/** A file that was chosen, dropped or pasted. */
export interface NamedBlob {
  name: string;
  blob: Blob;
}

export async function addFiles(page: Reach, files: readonly NamedBlob[]): Promise<void> {
  const items = await Promise.all(
    files.map(async ({ name, blob }) => {
      // If a file cannot be read, its upload tells so.
      const mediaType = await kindOf(blob).catch(() => null);
      return heldOnTheWay({ kind: "file", blob, alone: files.length === 1 }, name, {
        mediaType,
        bytes: blob.size,
      });
    }),
  );
  add(page, items);
}

/** Let the kernel fetch a link. Return what is wrong with the link, or null. */
export function addLink(page: Reach, text: string): string | null {
  const url = linkOf(text);
  if (url === null) return t.references.badLink;
  add(page, [heldOnTheWay({ kind: "link", url }, new URL(url).hostname, { mediaType: null, bytes: null })]);
  return null;
}

/**
 * Make a reference of a finished image.
 * @param action what the user wants of the image
 */
export function addImage(
  page: Reach,
  { id, mediaType, position }: GenerationState,
  action: Wish["action"] = null,
): void {
  const name = t.references.result(position + 1);
  add(page, [{ ...heldOnTheWay({ kind: "generation", id }, name, { mediaType, bytes: null }), action }]);
}

/** Add references that the kernel holds already. */
export function addReferences(page: Reach, list: readonly ReferenceState[]): void {
  const state = page.store.getState();
  const digests = new Set(state.references.map((item) => item.reference?.digest));
  const fresh = list.filter(({ digest }) => !digests.has(digest));
  if (fresh.length === 0) state.addNotice("info", t.references.twice);
  else
    add(
      page,
      fresh.map((reference) => ({ ...heldAlready(state, reference), name: t.references.one })),
    );
}

export function retryReference(page: Reach, key: number): void {
  const item = page.store.getState().references.find((each) => each.key === key);
  if (item?.status !== "failed") return;
  patch(page, key, { status: "sending", error: "", share: item.source.kind === "file" ? 0 : null });
  transfersOf(page).begin(item);
}

export function moveReference({ store }: Reach, key: number, to: number): void {
  const { references, changeReferences, announce } = store.getState();
  const from = references.findIndex((item) => item.key === key);
  const next = moved(references, from, to);
  const place = next.findIndex((item) => item.key === key);
  if (from < 0 || place === from) return;
  changeReferences(next);
  announce(t.references.movedTo(place + 1, next.length));
}

/** Add the references that the model takes, and tell why it does not take the others. */
function add(page: Reach, items: readonly HeldReference[]): void {
  const { models, config, usable, references, changeReferences, addNotice } = page.store.getState();
  if (!usable || items.length === 0) return;
  const { taken, refused } = admitted(items, references, modelOf(models, config.model));
  if (taken.length > 0) changeReferences([...references, ...taken]);
  for (const item of taken) if (item.status === "sending") transfersOf(page).begin(item);
  const why = [...refused].map(([problem, names]) => t.references.refused(names, problem));
  if (why.length > 0) addNotice("warning", why.join(" "));
}

/** Return what brings references to the kernel, the same for all references of a page. */
function transfersOf(page: Reach): Transfers {
  const { store, send } = page;
  const known = store.getState().transfers;
  if (known) return known;
  const transfers = createTransfers(send, {
    progress: (key, share) => patch(page, key, { share }),
    arrived: (key, reference) => arrived(page, key, reference),
    found: (key, found) => {
      const item = page.store.getState().references.find((each) => each.key === key);
      if (item) offerFound(page, item.name, found);
    },
    failed: (key, error) => patch(page, key, { status: "failed", share: null, error }),
  });
  store.setState({ transfers });
  return transfers;
}

function arrived(page: Reach, key: number, reference: ReferenceState): void {
  const { references, changeReferences, addNotice, scheduleDraft } = page.store.getState();
  if (references.some((item) => item.key !== key && item.reference?.digest === reference.digest)) {
    changeReferences(references.filter((item) => item.key !== key));
    addNotice("info", t.references.twice);
    return;
  }
  patch(page, key, { status: "ready", reference, mediaType: reference.mediaType, share: null });
  scheduleDraft();
}

function patch({ store }: Reach, key: number, more: Partial<HeldReference>): void {
  store.setState((state) => patched(state, key, more));
}

/** Return the references with a change of one of them, whichever topic it belongs to. */
function patched(
  { references, awayReferences }: State,
  key: number,
  more: Partial<HeldReference>,
): Pick<State, "references" | "awayReferences"> {
  const changed = (item: HeldReference): HeldReference => (item.key === key ? { ...item, ...more } : item);
  return {
    references: references.map(changed),
    awayReferences: awayReferences.map((each) => ({ ...each, item: changed(each.item) })),
  };
}

/**
 * Divide new references into those that the model takes beside the old ones, and the names of the others by reason.
 */
function admitted(
  items: readonly HeldReference[],
  before: readonly HeldReference[],
  model: ModelState | undefined,
): { taken: HeldReference[]; refused: Map<string, string[]> } {
  let place = problemsOf(before, model).filter((problem) => problem === null).length;
  const taken: HeldReference[] = [];
  const refused = new Map<string, string[]>();
  for (const item of items) {
    const problem = problemOf(item, place, model);
    if (problem === null) {
      taken.push(item);
      place += 1;
    } else refused.set(problem, [...(refused.get(problem) ?? []), item.name]);
  }
  return { taken, refused };
}
