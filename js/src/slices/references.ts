// The references beside the prompt: on their way to the kernel, there, or failed.
import { errorState, RequestError } from "../lib/answer";
import { modelOf } from "../lib/parameters";
import { type Candidate, linkOf, moved, problemOf, problemsOf } from "../lib/references";
import { kindOf } from "../lib/upload";
import { t } from "../messages";
import type { DraftState, GenerationState, ModelState, ReferenceState } from "../protocol.gen";
import type { Slice, State } from "./state";
import { createTransfers, type Outcome, type Source } from "./transfers";

/** A reference as the strip shows it. */
export interface HeldReference extends Candidate {
  key: number;
  name: string;
  source: Source;
  status: "sending" | "ready" | "failed";
  /** The share of a file that has arrived, 0 to 1; null if it is unknown. */
  share: number | null;
  /** The reference in the kernel, once it has arrived. */
  reference: ReferenceState | null;
  /** Why the reference failed, and what to do. */
  error: string;
}

/** A file that was chosen, dropped or pasted. */
export interface NamedBlob {
  name: string;
  blob: Blob;
}

export interface ReferencesSlice {
  /** The references of the draft that is shown, in their order. */
  references: HeldReference[];
  /**
   * The references that were still on their way when another topic was shown, with the topic that they belong to.
   */
  awayReferences: { topicId: string | null; item: HeldReference }[];
  /** The topic whose draft the references belong to. */
  referencesOf: string | null;

  addFiles(files: readonly NamedBlob[]): Promise<void>;
  /** Let the kernel fetch a link. Return what is wrong with it, or null. */
  addLink(text: string): string | null;
  /** Make a reference of a finished image. */
  useAsReference(generation: GenerationState): void;
  /** Add references that the kernel holds already. */
  addReferences(list: readonly ReferenceState[]): void;
  /** Show these references and this mask in the place of those that are there; what was on its way starts again. */
  putReferences(items: HeldReference[], mask: State["mask"]): void;
  /** Put the references and the mask of a batch into the place of those that are there. */
  takeReferences(list: readonly ReferenceState[], mask: ReferenceState | null): void;
  /** Show the references of a topic's draft. References on their way stay with their topic. */
  showReferences(topicId: string | null, list: readonly ReferenceState[], mask: ReferenceState | null): void;
  retryReference(key: number): void;
  removeReference(key: number): void;
  clearReferences(): void;
  moveReference(key: number, to: number): void;
  /**
   * Wait for the references that are on their way. Return the references that are shown now as they are then, also
   * if another topic is shown by then. Rejects with a `RequestError` where one of them failed.
   */
  settleReferences(): Promise<HeldReference[]>;
}

// Long because it has many actions; each action is short, and all of them change one list.
export const createReferencesSlice: Slice<ReferencesSlice> = (set, get, send) => {
  let keys = 0;

  const held = (source: Source, name: string, candidate: Candidate): HeldReference => {
    keys += 1;
    const share = source.kind === "file" ? 0 : null;
    return { key: keys, name, source, ...candidate, status: "sending", share, reference: null, error: "" };
  };

  const there = (reference: ReferenceState): HeldReference => {
    const known = get().references.find((item) => item.reference?.digest === reference.digest);
    if (known) return known;
    const { mediaType } = reference;
    return {
      ...held({ kind: "kernel" }, "", { mediaType, bytes: null }),
      status: "ready",
      reference,
    };
  };

  /** Save the draft, which holds the references. */
  const changed = (): void => get().scheduleDraft();

  const patch = (key: number, more: Partial<HeldReference>): void =>
    set((state) => patched(state, key, more));

  /** Show another list. The mask is dropped if its reference is not the first one any more. */
  const show = (references: HeldReference[]): void => {
    const { mask, references: before } = get();
    set({ references });
    if (mask && references[0]?.reference?.digest !== mask.over)
      get().dropMask(before.find((item) => item.reference?.digest === mask.over));
    changed();
  };

  const arrived = (key: number, reference: ReferenceState): void => {
    const { references } = get();
    if (references.some((item) => item.key !== key && item.reference?.digest === reference.digest)) {
      show(references.filter((item) => item.key !== key));
      get().addNotice("info", t.references.twice);
      return;
    }
    patch(key, { status: "ready", reference, mediaType: reference.mediaType, share: null });
    changed();
  };

  const transfers = createTransfers(send, {
    progress: (key, share) => patch(key, { share }),
    arrived,
    failed: (key, error) => patch(key, { status: "failed", share: null, error }),
  });

  /** Add the references that the model takes, and tell why it does not take the others. */
  const add = (items: readonly HeldReference[]): void => {
    const { models, config, usable, references } = get();
    if (!usable || items.length === 0) return;
    const { taken, refused } = admitted(items, references, modelOf(models, config.model));
    if (taken.length > 0) show([...get().references, ...taken]);
    for (const item of taken) if (item.status === "sending") transfers.begin(item);
    const why = [...refused].map(([problem, names]) => t.references.refused(names, problem));
    if (why.length > 0) get().addNotice("warning", why.join(" "));
  };

  return {
    references: [],
    awayReferences: [],
    referencesOf: null,

    addFiles: async (files) => {
      const items = await Promise.all(
        files.map(async ({ name, blob }) => {
          // If a file cannot be read, its upload tells so.
          const mediaType = await kindOf(blob).catch(() => null);
          return held({ kind: "file", blob }, name, { mediaType, bytes: blob.size });
        }),
      );
      add(items);
    },
    addLink: (text) => {
      const url = linkOf(text);
      if (url === null) return t.references.badLink;
      add([held({ kind: "link", url }, new URL(url).hostname, { mediaType: null, bytes: null })]);
      return null;
    },
    useAsReference: ({ id, mediaType, position }) =>
      add([held({ kind: "generation", id }, t.references.result(position + 1), { mediaType, bytes: null })]),
    addReferences: (list) => {
      const digests = new Set(get().references.map((item) => item.reference?.digest));
      const fresh = list.filter(({ digest }) => !digests.has(digest));
      if (fresh.length === 0) get().addNotice("info", t.references.twice);
      else add(fresh.map((reference) => ({ ...there(reference), name: t.references.one })));
    },
    putReferences: (references, mask) => {
      for (const { key } of get().references) transfers.stop(key);
      set({ references, mask });
      for (const item of references) if (item.status === "sending") transfers.begin(item);
      changed();
    },
    takeReferences: (list, mask) => get().putReferences(list.map(there), maskOver(list, mask)),
    showReferences: (topicId, list, mask) => {
      const { back, more, away } = divided(get(), topicId, list);
      set({
        references: [...list.map(there), ...more],
        awayReferences: away,
        referencesOf: topicId,
        mask: maskOver(list, mask),
      });
      if (back.some((item) => item.status === "ready")) changed();
    },
    retryReference: (key) => {
      const item = get().references.find((each) => each.key === key);
      if (item?.status !== "failed") return;
      patch(key, { status: "sending", error: "", share: item.source.kind === "file" ? 0 : null });
      transfers.begin(item);
    },
    removeReference: (key) => {
      transfers.stop(key);
      show(get().references.filter((item) => item.key !== key));
    },
    clearReferences: () => {
      for (const { key } of get().references) transfers.stop(key);
      show([]);
    },
    moveReference: (key, to) => {
      const { references } = get();
      const from = references.findIndex((item) => item.key === key);
      const next = moved(references, from, to);
      const place = next.findIndex((item) => item.key === key);
      if (from < 0 || place === from) return;
      show(next);
      get().announce(t.references.movedTo(place + 1, next.length));
    },

    settleReferences: async () => {
      const asked = get().references;
      const outcomes = await Promise.all(
        asked.map(({ key, reference }) => reference ?? transfers.outcome(key) ?? "failed"),
      );
      return settled(asked, outcomes);
    },
  };
};

/** Return a mask as the page holds it: over the first of these references. */
function maskOver(list: readonly ReferenceState[], mask: ReferenceState | null): State["mask"] {
  const over = list[0]?.digest;
  return mask && over ? { reference: mask, over } : null;
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

/** Return references as they are when they have arrived. Throws a `RequestError` if one of them failed. */
function settled(asked: readonly HeldReference[], outcomes: readonly Outcome[]): HeldReference[] {
  const failed = outcomes.filter((outcome) => outcome === "failed").length;
  if (failed > 0) {
    throw new RequestError({
      ...errorState(null),
      code: "reference",
      message: t.references.notAll(failed),
      nextStep: t.references.notAllStep,
    });
  }
  const ready = new Map<string, HeldReference>();
  for (const [index, item] of asked.entries()) {
    const reference = outcomes[index];
    // The same picture may be among them twice.
    if (typeof reference !== "object" || ready.has(reference.digest)) continue;
    ready.set(reference.digest, {
      ...item,
      status: "ready",
      reference,
      mediaType: reference.mediaType,
    });
  }
  return [...ready.values()];
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

/**
 * Divide the references that the draft of a topic lacks: those that come back to the topic (`back`), those that are
 * shown with its draft (`more`), and those that stay with other topics (`away`).
 */
function divided(
  { references, awayReferences, referencesOf }: State,
  topicId: string | null,
  list: readonly ReferenceState[],
): { back: HeldReference[]; more: HeldReference[]; away: State["awayReferences"] } {
  const open = references.filter((item) => item.status !== "ready");
  const same = referencesOf === topicId;
  const back = awayReferences.filter((each) => each.topicId === topicId).map(({ item }) => item);
  const away = awayReferences.filter((each) => each.topicId !== topicId);
  const digests = new Set(list.map(({ digest }) => digest));
  const more = [...(same ? open : []), ...back].filter(
    ({ reference }) => !reference || !digests.has(reference.digest),
  );
  return {
    back,
    more,
    away: same ? away : [...away, ...open.map((item) => ({ topicId: referencesOf, item }))],
  };
}

type SendState = Pick<State, "references" | "mask" | "models" | "config">;

/** Return why each reference is not sent with the chosen model, or null where it is. */
export function problemsIn({ references, models, config }: Omit<SendState, "mask">): (string | null)[] {
  return problemsOf(references, modelOf(models, config.model));
}

/** Return why the mask is not sent, or null where it is. */
export function maskProblem(state: SendState): string | null {
  const model = modelOf(state.models, state.config.model);
  if (!state.mask) return null;
  if (!model?.mask) return t.mask.takesNone(model?.title ?? "");
  return sent(state)[0] === state.mask.over ? null : t.mask.notOverFirst;
}

function sent(state: Omit<SendState, "mask">): string[] {
  const problems = problemsIn(state);
  return state.references.flatMap(({ reference }, index) =>
    reference && problems[index] === null ? [reference.digest] : [],
  );
}

/** Return the first reference that the chosen model gets; null where that is none, or not known yet. */
export function firstSent(state: Omit<SendState, "mask">): ReferenceState | null {
  return state.references[problemsIn(state).indexOf(null)]?.reference ?? null;
}

/** Return what goes along with a request: only what the chosen model takes. */
export function referencesToSend(state: SendState): { references: string[]; mask: string | null } {
  const mask = maskProblem(state) === null ? (state.mask?.reference.digest ?? null) : null;
  return { references: sent(state), mask };
}

/** Return what belongs to the draft: all that the kernel holds, also what the chosen model does not take. */
export function referencesToSave({
  references,
  mask,
}: Pick<State, "references" | "mask">): Pick<DraftState, "references" | "mask"> {
  return {
    references: references.flatMap(({ reference }) => reference ?? []),
    mask: mask?.reference ?? null,
  };
}
