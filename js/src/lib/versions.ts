// The versions of an image: which one a key leads to, and what changed in one, in words. Pure.
import { t } from "../messages/large";
import type { ChainResult, ChangeState, ParameterState, VersionState } from "../protocol.gen";
import { choiceText, titleOf } from "./parameters";

/** A part of the words that say what changed. */
export interface Part {
  kind: "action" | "added" | "removed" | "other";
  text: string;
}

/** The way from the shown version: to the one it was made from, to one made from it, or to one beside it. */
export type Step = "before" | "after" | "up" | "down";

export const STEPS: Readonly<Record<string, Step>> = {
  ArrowLeft: "before",
  ArrowRight: "after",
  ArrowUp: "up",
  ArrowDown: "down",
};

/** Return whether an image has other versions than itself. */
export function hasVersions({ ancestors, children }: ChainResult): boolean {
  return ancestors.length + children.length > 0;
}

/** Return whether a version can be shown. */
export function isThere({ status, batchId }: VersionState): boolean {
  return status === "success" && batchId !== null;
}

/** Return the shown version. */
export function shownIn({ siblings, generationId }: ChainResult): VersionState | undefined {
  return siblings.find((version) => version.generationId === generationId);
}

/** Return the version from which the shown one was made: the nearest one that is there. */
export function beforeIn({ ancestors }: ChainResult): VersionState | undefined {
  return ancestors.filter(isThere).at(-1);
}

/**
 * Return the version to which a step leads; undefined where there is none.
 *
 * @param walked the versions that were shown, the newest last: a step forward goes back to where the user came from
 */
export function stepIn(
  chain: ChainResult,
  step: Step,
  walked: readonly string[] = [],
): VersionState | undefined {
  const siblings = chain.siblings.filter((each) => isThere(each) || each.generationId === chain.generationId);
  const at = siblings.findIndex(({ generationId }) => generationId === chain.generationId);
  const children = chain.children.filter(isThere);
  switch (step) {
    case "before":
      return beforeIn(chain);
    case "after":
      return (
        walked.flatMap((id) => children.find(({ generationId }) => generationId === id) ?? []).at(-1) ??
        children.at(-1)
      );
    case "up":
      return siblings[at - 1];
    case "down":
      return siblings[at + 1];
  }
}

/** Return what changed in a version against the one before. */
export function partsOf(
  { action, added, removed, rewritten, changes }: VersionState,
  parameters: readonly ParameterState[] = [],
): Part[] {
  const words = (phrases: readonly string[], sign: string, kind: "added" | "removed"): Part[] =>
    phrases.map((phrase) => ({ kind, text: `${sign} ${phrase}` }));
  return [
    ...(action ? [{ kind: "action" as const, text: t.versions.actions[action] ?? action }] : []),
    ...(rewritten
      ? added.map((text) => ({ kind: "other" as const, text: t.versions.quoted(text) }))
      : [...words(added, "+", "added"), ...words(removed, "−", "removed")]),
    ...changes.map((change) => ({ kind: "other" as const, text: changeText(change, parameters) })),
  ];
}

function changeText({ name, before, after }: ChangeState, parameters: readonly ParameterState[]): string {
  if (name === "references") return t.versions.further(Number(after));
  if (name === "mask") return t.versions.mask;
  const title = nameOf(name, parameters);
  const value = (each: ChangeState["before"]): string => choiceText(each ?? t.tile.none);
  return before === null ? `${title} ${value(after)}` : `${title} ${value(before)} → ${value(after)}`;
}

function nameOf(name: string, parameters: readonly ParameterState[]): string {
  if (name === "model") return t.lightbox.model;
  if (name === "size") return t.lightbox.size;
  const known = parameters.find((parameter) => parameter.name === name);
  return known ? titleOf(known) : (t.parameter.titles[name] ?? name);
}
