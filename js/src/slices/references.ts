// The references beside the prompt: on their way to the kernel, there, or failed. `adding` brings them there.
import { errorState, RequestError } from "../lib/answer";
import { modelOf } from "../lib/parameters";
import { type Candidate, problemsOf } from "../lib/references";
import { t } from "../messages";
import type { DraftState, ReferenceState, Wish } from "../protocol.gen";
import type { Slice, State } from "./state";
import type { Outcome, Source, Transfers } from "./transfers";

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
  /** What the user wants of the image, while it is the first one that is sent. */
  action?: Wish["action"];
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

  /** What brings references to the kernel; null until the first one is added. */
  transfers: Transfers | null;

  /** Show another list. The mask is dropped if its reference is not the first one any more. */
  changeReferences(list: HeldReference[]): void;
  /** Show these references and this mask in the place of those that are there; what was on its way starts again. */
  putReferences(items: HeldReference[], mask: State["mask"]): void;
  /** Put the references and the mask of a batch into the place of those that are there. */
  takeReferences(list: readonly ReferenceState[], mask: ReferenceState | null): void;
  /** Show the references of a topic's draft. References on their way stay with their topic. */
  showReferences(topicId: string | null, list: readonly ReferenceState[], mask: ReferenceState | null): void;
  removeReference(key: number): void;
  clearReferences(): void;
  /**
   * Wait for the references that are on their way. Return the references that are shown now as they are then, also
   * if another topic is shown by then. Rejects with a `RequestError` where one of them failed.
   */
  settleReferences(): Promise<HeldReference[]>;
}

export const createReferencesSlice: Slice<ReferencesSlice> = (set, get) => {
  const there = (reference: ReferenceState): HeldReference => heldAlready(get(), reference);
  /** Save the draft, which holds the references. */
  const changed = (): void => get().scheduleDraft();
  /** Stop all references that are on their way. */
  const stopAll = (): void => {
    for (const { key } of get().references) get().transfers?.stop(key);
  };

  return {
    references: [],
    awayReferences: [],
    referencesOf: null,
    transfers: null,

    changeReferences: (references) => {
      const { mask, references: before } = get();
      set({ references });
      if (mask && references[0]?.reference?.digest !== mask.over)
        get().dropMask(before.find((item) => item.reference?.digest === mask.over));
      changed();
    },
    putReferences: (references, mask) => {
      stopAll();
      set({ references, mask });
      for (const item of references) if (item.status === "sending") get().transfers?.begin(item);
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
    removeReference: (key) => {
      get().transfers?.stop(key);
      get().changeReferences(get().references.filter((item) => item.key !== key));
    },
    clearReferences: () => {
      stopAll();
      get().changeReferences([]);
    },

    settleReferences: async () => {
      const { references: asked, transfers } = get();
      const outcomes = await Promise.all(
        asked.map(({ key, reference }) => reference ?? transfers?.outcome(key) ?? "failed"),
      );
      return settled(asked, outcomes);
    },
  };
};

let keys = 0;

/** Return a reference that is on its way, with a key of its own. */
export function heldOnTheWay(source: Source, name: string, candidate: Candidate): HeldReference {
  keys += 1;
  const share = source.kind === "file" ? 0 : null;
  return { key: keys, name, source, ...candidate, status: "sending", share, reference: null, error: "" };
}

/** Return a reference of the kernel as the page holds it. */
export function heldAlready({ references }: State, reference: ReferenceState): HeldReference {
  const known = references.find((item) => item.reference?.digest === reference.digest);
  if (known) return known;
  const candidate = { mediaType: reference.mediaType, bytes: null };
  return { ...heldOnTheWay({ kind: "kernel" }, "", candidate), status: "ready", reference };
}

/** Return a mask as the page holds it: over the first of these references. */
function maskOver(list: readonly ReferenceState[], mask: ReferenceState | null): State["mask"] {
  const over = list[0]?.digest;
  return mask && over ? { reference: mask, over } : null;
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
  return first(state)?.reference ?? null;
}

function first(state: Omit<SendState, "mask">): HeldReference | undefined {
  return state.references[problemsIn(state).indexOf(null)];
}

/** Return what goes along with a request: only what the chosen model takes. */
export function referencesToSend(state: SendState): Pick<Wish, "references" | "mask" | "action"> {
  const mask = maskProblem(state) === null ? (state.mask?.reference.digest ?? null) : null;
  return { references: sent(state), mask, action: first(state)?.action ?? null };
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
