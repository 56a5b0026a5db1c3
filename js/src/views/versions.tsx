// The versions of an image as a strip: its ancestors, those beside it and its children, and what changed.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { causeText } from "../lib/answer";
import type { Place } from "../lib/neighbours";
import { modelOf } from "../lib/parameters";
import { beforeIn, hasVersions, isThere, partsOf, STEPS, type Step, shownIn, stepIn } from "../lib/versions";
import { t } from "../messages/large";
import type { ChainResult, VersionState } from "../protocol.gen";
import { batchOf } from "../slices/batches";
import { chainOf, fetchVersion } from "../slices/versions";
import { useActions, useBlobUrl, usePage, useStore } from "./context";
import { Icon } from "./icon";
import { IconButton, tipped } from "./parts";

/** How long the history must rest before the versions are read again, in milliseconds. */
const REST = 250;

export interface Versions {
  /** The versions; null until they are known, and where there is only one. */
  chain: ChainResult | null;
  /** Make the batch of a version known, and return the place of the version. Say so where it is gone. */
  fetch(version: VersionState): Promise<Place | null>;
  go(version: VersionState): void;
  /** Return what a key with Alt does; undefined for a key that does nothing. */
  stepOf(key: string): (() => void) | undefined;
}

/** Read the versions of the shown image, again after each change of the history, and walk through them. */
export function useVersions(target: Place, onMove: (place: Place) => void): Versions {
  const page = usePage();
  const { send } = page;
  const { addNotice } = useActions();
  const live = useStore((state) => state.live);
  // The batches change with what another kernel or page does, too.
  const batches = useStore((state) => state.batches);
  const [known, setKnown] = useState<ChainResult | null>(null);
  const { generationId } = target;
  const asked = useRef("");
  useEffect(() => {
    if (!live) return undefined;
    let current = true;
    const read = (): void => {
      asked.current = generationId;
      chainOf(send, generationId).then(
        (chain) => current && setKnown(chain),
        // Without the strip, the view is still whole.
        () => undefined,
      );
    };
    const timer = setTimeout(read, asked.current === generationId ? REST : 0);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [send, live, generationId, batches]);

  const fetch = async (version: VersionState): Promise<Place | null> => {
    const { batchId, generationId: id } = version;
    try {
      if (batchId !== null && (await fetchVersion(page, version))) return { batchId, generationId: id };
      addNotice("warning", t.versions.gone);
    } catch (cause) {
      addNotice("error", causeText(cause));
    }
    return null;
  };
  const walked = useRef<string[]>([]);
  const newest = useRef(generationId);
  newest.current = generationId;
  /** The version that is on its way onto the screen. */
  const coming = useRef<string | null>(null);
  /** The steps that were asked for and not taken yet, and the image from which the first of them leads. */
  const asks = useRef<{ from: string; steps: Step[] }>({ from: generationId, steps: [] });
  const go = async (version: VersionState): Promise<void> => {
    const from = newest.current;
    if (version.generationId === from) return;
    coming.current = version.generationId;
    const place = await fetch(version);
    coming.current = null;
    // The user may have gone on meanwhile.
    if (!place || newest.current !== from) {
      asks.current.steps = [];
      return;
    }
    walked.current.push(from);
    newest.current = version.generationId;
    asks.current.from = version.generationId;
    onMove(place);
  };
  /** Take the next step, once the versions of the image are known from which the step leads. */
  const advance = (): void => {
    const { from, steps } = asks.current;
    if (coming.current !== null || known?.generationId !== newest.current || from !== newest.current) return;
    const [step, ...rest] = steps;
    const to = step && stepIn(known, step, walked.current);
    asks.current.steps = to ? rest : [];
    if (to) void go(to);
  };
  const walk = (step: Step): void => {
    const { from, steps } = asks.current;
    // A user who went elsewhere does not want the earlier steps any more.
    asks.current = { from: newest.current, steps: from === newest.current ? [...steps, step] : [step] };
    advance();
  };
  useEffect(advance, [known]);
  return {
    // While the versions of the next image are on their way, those of the last one stand, if it is among them.
    chain: known && hasVersions(known) ? moved(known, generationId) : null,
    fetch,
    go: (version) => void go(version),
    stepOf: (key) => {
      const step = STEPS[key];
      return step && (() => walk(step));
    },
  };
}

/** Return a chain with another of its versions as the shown one; null where it is not among them. */
function moved(chain: ChainResult, generationId: string): ChainResult | null {
  if (chain.generationId === generationId) return chain;
  const { ancestors, siblings, children } = chain;
  const is = (version: VersionState): boolean => version.generationId === generationId;
  if (siblings.some(is)) return { ...chain, generationId, children: [], childrenCount: 0 };
  const shown = shownIn(chain);
  if (children.some(is))
    return {
      ...chain,
      generationId,
      ancestors: shown ? [...ancestors, shown] : ancestors,
      siblings: children,
      siblingsCount: chain.childrenCount,
      children: [],
      childrenCount: 0,
    };
  const at = ancestors.findIndex(is);
  const here = ancestors[at];
  if (!here) return null;
  return {
    ...chain,
    generationId,
    ancestors: ancestors.slice(0, at),
    siblings: [here],
    siblingsCount: 1,
    children: at + 1 < ancestors.length ? ancestors.slice(at + 1, at + 2) : siblings,
    childrenCount: 1,
  };
}

interface StripProps {
  chain: ChainResult;
  model: string;
  onGo(version: VersionState): void;
  /** Compare the shown version with another one. */
  onCompare(version: VersionState): void;
}

export function VersionStrip({ chain, model, onGo, onCompare }: StripProps) {
  const list = useRef<HTMLOListElement>(null);
  const parameters = useStore((state) => modelOf(state.models, model)?.parameters);
  const { ancestors, siblings, children, earlier, siblingsCount, childrenCount, generationId } = chain;
  const shown = shownIn(chain);
  const before = beforeIn(chain);
  useLayoutEffect(() => {
    const box = list.current;
    const mark = box?.querySelector<HTMLElement>('[aria-current="true"]');
    // The strip alone moves, and not what lies around it.
    if (box && mark) box.scrollLeft = mark.offsetLeft - (box.clientWidth - mark.clientWidth) / 2;
  }, [generationId, ancestors.length, siblings.length, children.length]);
  const versions = (several: readonly VersionState[]) =>
    several.map((version) => (
      <Version
        key={version.generationId}
        version={version}
        current={version.generationId === generationId}
        onGo={onGo}
      />
    ));
  const parts = shown ? partsOf(shown, parameters) : [];
  return (
    <nav class="ip-versions" aria-label={t.versions.label} data-testid="versions">
      <ol class="ip-versions-line" ref={list}>
        {earlier && <li class="ip-versions-more">{t.versions.earlier}</li>}
        {ancestors.map((version) => (
          <li key={version.generationId} class="ip-versions-step">
            {versions([version])}
            <Arrow />
          </li>
        ))}
        <li class="ip-versions-step" data-several={siblings.length > 1}>
          {versions(siblings)}
          <More count={siblingsCount - siblings.length} />
        </li>
        {children.length > 0 && (
          <li class="ip-versions-step" data-several={children.length > 1}>
            <Arrow />
            {versions(children)}
            <More count={childrenCount - children.length} />
          </li>
        )}
      </ol>
      {before && (
        <div class="ip-versions-change">
          <p class="ip-versions-words" data-testid="version-words">
            {parts.map(({ kind, text }) => (
              <span key={`${kind} ${text}`} data-kind={kind}>
                {text}
              </span>
            ))}
          </p>
          <IconButton
            icon="compare"
            label={t.versions.compare}
            testid="compare-before"
            onClick={() => onCompare(before)}
          />
        </div>
      )}
    </nav>
  );
}

function Arrow() {
  return (
    <span class="ip-versions-arrow">
      <Icon name="right" size={14} />
    </span>
  );
}

function More({ count }: { count: number }) {
  return count > 0 ? <span class="ip-versions-more">{t.versions.more(count)}</span> : null;
}

interface VersionProps {
  version: VersionState;
  current: boolean;
  onGo(version: VersionState): void;
}

function Version({ version, current, onGo }: VersionProps) {
  const { generationId, batchId, status, prompt, position } = version;
  const { media } = usePage();
  const there = isThere(version);
  const url = useBlobUrl(media.thumbnails, there ? generationId : null, true, media.wantedThumbnails);
  // A batch that the page knows says at once that the image is finished.
  const batch = useStore((state) => (batchId === null ? undefined : batchOf(state, batchId)));
  const tile = batch?.generations.find(({ id }) => id === generationId);
  const shape = tile?.width && tile.height ? tile.width / tile.height : 1;
  const words = there ? prompt : status === "gone" ? t.versions.gone : t.versions.coming;
  return (
    <button
      type="button"
      class="ip-version"
      style={{ aspectRatio: String(Math.min(Math.max(shape, 0.6), 1.6)) }}
      data-status={status}
      data-testid="version"
      aria-label={there ? t.versions.open(position + 1, prompt) : words}
      aria-current={current ? "true" : undefined}
      aria-disabled={!there}
      {...tipped(words)}
      onClick={() => there && onGo(version)}
    >
      {url ? <img src={url} alt="" /> : <Icon name={placeholder(version)} size={14} />}
    </button>
  );
}

function placeholder({ status }: VersionState): "delete" | "images" | "waiting" {
  if (status === "gone") return "delete";
  return status === "success" ? "images" : "waiting";
}
