// The texts of the core in English. The texts of each part are in a file of their own, which loads with the part.
import type { ErrorCode } from "../protocol.gen";
import type { english as adding } from "./adding";
import type { english as download } from "./download";
import type { english as edit } from "./edit";
import type { english as gallery } from "./gallery";
import type { english as large } from "./large";
import type { english as mask } from "./mask";
import type { english as picker } from "./picker";
import type { english as sweep } from "./sweep";
import type { english as tools } from "./tools";
import type { Said, Words } from "./words";

const EN_ACTIONS: Words = {
  edit: "Edit",
  vary: "Vary",
  upscale: "Upscale",
  remove_background: "Remove background",
  outpaint: "Extend",
  inpaint: "Edit part",
};

// The build keeps the keys of a table whose name is in capitals: the keys are names that the kernel chooses.
const EN_CHOICES: Words = {
  auto: "Auto",
  square: "1:1",
  square_hd: "1:1 HD",
  match_input_image: "Input",
};

/** The texts in English, which set the shape of those of every language. */
export const en = {
  // ---------------------------------------------------------------- what all parts say
  common: {
    close: "Close",
    retry: "Retry",
    loading: "Loading",
    automatic: "Automatic",
  },
  // ---------------------------------------------------------------- the frame and its handles
  frame: {
    studio: "Image studio",
    config: "Configuration",
    workspace: "Workspace",
    topics: "Topics",
    newTopic: "New topic",
    leftWidth: "Width of the configuration",
    rightWidth: "Width of the topics",
    height: "Height of the studio",
    fill: "Full window",
    leave: "Exit full window",
    openTab: "Open in a tab",
    shortcuts: "Keyboard shortcuts",
  },
  // ---------------------------------------------------------------- how the page stands to the kernel
  states: {
    connecting: "Connecting to the kernel…",
    waiting: "Waiting for the kernel…",
    waitingNext: "Your clicks are kept and run when it answers.",
    busy: "The kernel is busy.",
    busyNext: "Clicks wait until the running cell ends. You can interrupt it.",
    kept: (count: number) => (count === 1 ? "1 click waits." : `${count} clicks wait.`),
    gone: "The kernel no longer knows this studio.",
    goneNext: "Run the cell again. Everything you made is saved.",
    offline: "The connection to the notebook was lost.",
    offlineNext: "It comes back by itself once the network does.",
    none: "Read-only: no kernel is running.",
    noneNext: "To continue, choose a kernel and run the cell.",
    inert: (why: string, next: string) => `${why} ${next}`,
    broken: "This part could not be shown.",
    brokenNext: "Nothing is lost: everything you made is saved.",
    report: "Copy report",
    reported: "Report copied.",
    notReported: "The browser did not allow copying.",
  },
  // ---------------------------------------------------------------- what loads when it is opened
  part: {
    needsKernel: "This needs a running kernel.",
  },
  // ---------------------------------------------------------------- what the page itself could not do
  problem: {
    page: "The page could not do this.",
    pageNext: "Try again. If it happens again, rerun the cell.",
    closed: "The widget was closed.",
    closedNext: "Run the cell again.",
    gone: "The kernel no longer knows this studio.",
    goneNext: "Run the cell again to see everything that was saved.",
    lost: "The kernel's answer did not arrive.",
    lostNext: "Check the feed: whatever was saved appears there. If it is missing, try again.",
  },
  // ---------------------------------------------------------------- times, as short as they can be
  time: {
    now: "now",
    seconds: (count: string) => `${count} s`,
    minutes: (count: number) => `${count} min`,
    hours: (count: number) => `${count} h`,
    days: (count: number) => `${count} d`,
  },
  // ---------------------------------------------------------------- what is said and can be dismissed
  notice: {
    undo: "Undo",
    undoKey: (key: string) => `${key}+Z takes it back.`,
    undone: "Taken back.",
    dismiss: "Dismiss",
  },
  // ---------------------------------------------------------------- the prompt and its button
  composer: {
    prompt: "Prompt",
    placeholder: "Describe an image…",
    again: "Describe the next image…",
    wordless: "This model takes no words, only an image",
    change: "Say what to change in the picture…",
    negative: "Negative prompt",
    negativePlaceholder: "What to leave out…",
    noNegative: (model: string) => `${model || "This model"} does not take a negative prompt`,
    dropNegative: "Remove the negative prompt",
    generate: "Generate",
    generateSome: (count: number) => `Generate ${count}`,
    sending: "Sending…",
    takeBack: "Take this click back: nothing was sent yet",
    requests: "What one click asks for",
    prompts: (count: string) => `${count} prompts`,
    models: (count: number) => `${count} models`,
    images: (count: number) => `${count} images`,
    atMost: (most: number) => `at most ${most} at once`,
    tooMany: (prompts: string, models: number, most: number) =>
      `${prompts} prompts${models > 1 ? ` for ${models} models` : ""} are too many at once: at most ${most} requests.`,
    tooManyStep: "Write fewer choices in braces, or ask fewer models.",
    quoted: (prompt: string) => `“${prompt}”`,
    ofModel: (prompt: string, model: string) => `${prompt} with ${model}`,
    which: (name: string) => `${name}:`,
    estimate: "Estimated cost",
    spent: (today: string, budget: string | null) =>
      budget === null ? `Today: ${today}` : `Today: ${today} of ${budget}`,
    spentUnknown: (count: number) => `${count === 1 ? "1 image" : `${count} images`} of unknown cost`,
    overBudget: "This request would go over today's budget.",
    anyway: "Generate anyway",
    count: (length: number, limit: number) => `${length} / ${limit}`,
    countLabel: (length: number, limit: number) => `${length} of ${limit} characters`,
    tooLong: (over: number) => `${over} over this model's limit`,
    tooLongFor: (over: number, model: string) => `${over} over the limit of ${model}`,
    height: "Height of the prompt",
    heightTitle: "Drag to resize; double-click to fit the text",
    seedSet: (seed: number) => `Seed ${seed} is set.`,
    modelGone: (model: string) => `${model} is no longer offered; only the prompt was reused.`,
    finished: (count: number) => (count === 1 ? "1 image is finished." : `${count} images are finished.`),
    failed: (count: number, reason: string) =>
      `${count === 1 ? "1 image" : `${count} images`} failed: ${reason}`,
    cancelled: (count: number) =>
      count === 1 ? "1 image was cancelled." : `${count} images were cancelled.`,
  },
  preset: {
    title: "Presets",
  },
  // ---------------------------------------------------------------- what a text model makes of the prompt
  improve: {
    label: "Improve the prompt",
    by: (model: string) => `Improve the prompt with ${model}`,
    needs: (titles: string) =>
      `Improving a prompt needs a text model. Choose a model of ${titles} and enter its key.`,
    working: "Improving the prompt…",
    cancelled: "The prompt stays as it is.",
    undone: "The earlier prompt is back.",
  },
  // ---------------------------------------------------------------- what runs and waits, in all topics
  queue: {
    title: "Running and waiting",
    running: (count: number) => `${count} running`,
    waiting: (count: number) => `${count} waiting`,
    show: "Show everything running and waiting, in all topics",
    empty: "Nothing is running.",
  },
  // ---------------------------------------------------------------- the list of topics
  topics: {
    list: "Topics",
    create: "New topic",
    untitled: "Untitled",
    search: "Search topics",
    noMatch: (words: string) => `No topic is called “${words}”.`,
    noMatchHere: (words: string) =>
      `None of the topics that are loaded is called “${words}”. Older ones could not be searched.`,
    searching: "Searching…",
    older: "Loading older topics…",
    notAll: "There are more. Search for the words of their titles.",
    clear: "Show all topics",
    none: "Your topics appear here. Each keeps its own images and prompt.",
    images: (count: number) => (count === 1 ? "1 image" : `${count} images`),
    noImages: "empty",
    running: (count: number) => (count > 1 ? `${count} running` : "running"),
    something: "Something is running",
    pinned: "Pinned",
    menu: (title: string) => `More actions for ${title}`,
    deleted: (title: string, images: number) =>
      `Deleted “${title}”${images > 1 ? ` and its ${images} images` : images ? " and its image" : ""}.`,
    moved: (count: number, title: string | null) =>
      `${count === 1 ? "The batch is" : `${count} batches are`} now in ${title === null ? "a new topic" : `“${title}”`}.`,
    drop: "Move here",
    dropNew: "Move to a new topic",
    coverTitle: (title: string) => `Cover of “${title}”`,
  },
  // ---------------------------------------------------------------- where nothing is yet
  empty: {
    hello: "What would you like to see?",
    another: "A new topic",
    examples: "Examples",
    keys: (titles: string) => `AI models come from ${titles}, with a key.`,
    otherProvider: "another provider",
    topic: "Nothing here yet",
    topicMore: "Images you generate now appear in this topic.",
    prompts: [
      "A lighthouse on a cliff above a stormy sea at dusk, long exposure",
      "A red fox asleep in fresh snow, soft morning light",
      "A paper-cut city of warm windows under a violet night",
      "A greenhouse full of ferns after the rain, film photograph",
    ],
  },
  references: {
    title: "References",
    add: "Add a reference image",
    addShort: "Add image",
    hint: "or drop, paste or link one",
    link: "Add by link",
    open: (name: string, place: number, count: number) => `Reference ${place} of ${count}: ${name}`,
    unnamed: "image",
    remove: (name: string) => `Remove ${name}`,
    removeAll: "Remove all",
    failed: (name: string, why: string) => `${name}: ${why}`,
    takesNone: (model: string) => `${model || "This model"} does not take reference images.`,
    tooMany: (count: number) =>
      `This model takes at most ${count === 1 ? "1 reference" : `${count} references`}.`,
    tooLarge: (size: string, limit: string) => `${size} is too large: this model takes at most ${limit}.`,
    wrongKind: (kind: string, kinds: string[]) => `This model takes ${kinds.join(", ")}, not ${kind}.`,
    noImage: "Only images that can be read here can be added.",
    notSent: (count: number, why: string) =>
      count === 1 ? `Not sent: ${why}` : `${count} are not sent: ${why}`,
    notAll: (count: number) =>
      count === 1 ? "A reference could not be uploaded." : `${count} references could not be uploaded.`,
    notAllStep: "Retry it or remove it, then generate again.",
    used: (count: number) => (count === 1 ? "1 reference" : `${count} references`),
  },
  mask: {
    paint: "Paint a mask",
    edit: "Edit the mask",
    undo: "Undo",
    redo: "Redo",
    invert: "Invert",
    dropped: "The mask was removed: it belongs to a different first reference.",
    takesNone: (model: string) => `The mask is not sent: ${model || "this model"} does not take one.`,
    notOverFirst: "The mask is not sent: its reference is not the first one sent.",
  },
  // ---------------------------------------------------------------- the feed
  feed: {
    batches: "Batches",
    older: "Loading older images…",
    today: "Today",
    yesterday: "Yesterday",
    failed: (why: string) => `Images could not be loaded. ${why}`,
  },
  // ---------------------------------------------------------------- one request in the feed
  batch: {
    actions: EN_ACTIONS,
    images: "Images",
    showLess: "Show less of the prompt",
    copyPrompt: "Copy prompt",
    promptCopied: "Prompt copied.",
    retry: "Retry failed images",
    cancel: (count: number) =>
      count > 1 ? `Cancel all ${count} batches of this click` : "Cancel this batch",
    reuse: "Reuse settings",
    more: "More actions for this batch",
    notCopied: "The browser did not allow copying.",
    notCopiedNext: "Allow clipboard access for this site, or download instead.",
    moveTitle: "Move to topic",
    deleted: (count: number) => (count === 1 ? "Batch deleted." : `${count} batches deleted.`),
    drag: "Drag onto a topic to move this batch",
    estimated: "By the model's price: the provider does not say what it charged",
  },
  // ---------------------------------------------------------------- one image in the feed
  tile: {
    image: (number: number) => `Image ${number}`,
    open: (number: number, prompt: string) => `Open image ${number}: ${prompt}`,
    download: "Download the original",
    seed: (seed: number) => `Reuse seed ${seed}`,
    settings: "Reuse settings",
    reference: "Use as reference",
    star: "Star",
    starImage: "Star this image",
    unstarImage: "Unstar this image",
    delete: "Delete this image",
    deleted: (count: number) => (count === 1 ? "Image deleted." : `${count} images deleted.`),
    discard: "Discard",
    working: "Working",
    usually: (time: string) => `usually ${time}`,
    unfinished: "Unfinished",
    queued: (position: number | null) => (position === null ? "Queued" : `Queued · ${position}`),
    limited: (seconds: number) =>
      seconds > 0 ? `Rate limited, next try in ${seconds} s` : "Rate limited, trying again",
    cancel: "Cancel",
    cancelled: "Cancelled",
    failed: "Generation failed.",
    retry: "Retry",
    changed: (count: number) => `${count} changed`,
    otherModel: "other model",
    damaged: "Damaged",
    damagedHelp: "The file is cut off or damaged, so only a part of the image may be shown.",
    none: "none",
    select: (number: number) => `Select image ${number}`,
  },
  // ---------------------------------------------------------------- several images at once
  selection: {},
  // ---------------------------------------------------------------- what narrows the feed
  filter: {
    open: "Search and filter",
    close: "Close the filter",
    found: (count: number, more: boolean) =>
      count === 0
        ? "Nothing found"
        : count === 1
          ? "1 batch found"
          : `${more ? "More than " : ""}${count} batches found`,
  },
  // ---------------------------------------------------------------- choosing a model
  model: {
    label: "Model",
    choose: "Choose a model",
    chosen: (title: string) => `Model: ${title}`,
    list: "Models",
    star: (title: string) => `Star ${title}`,
    unstar: (title: string) => `Unstar ${title}`,
    tooManyStarred: (most: number) => `You can star at most ${most} models.`,
    missing: (name: string) => `${name} is not available here; choose another model.`,
    tooMany: (most: number) => `A click asks at most ${most} models.`,
    listedBy: (title: string, since: string) => `Models of ${title}: updated ${since}.`,
    notListed: (title: string) => `${title} sent no newer list:`,
    retired: (on: string) => `Its provider retired it on ${on}.`,
    retires: (on: string) => `Its provider retires it on ${on}.`,
    useSuccessor: (title: string) => `Use ${title}`,
    perImage: (price: string) => `${price} / image`,
    perMegapixel: (price: string) => `${price} / MP`,
    references: (count: number) => (count === 1 ? "Takes 1 image" : `Takes ${count} images`),
    mask: "Mask",
    demo: "",
  },
  // ---------------------------------------------------------------- how large, and which shape
  size: {
    label: "Size",
    count: "Images",
    countLabel: "Number of images",
    ratio: "Ratio",
    auto: "Auto",
    custom: "Custom",
    lock: "Lock the ratio",
    lockShort: "Lock",
    locked: (ratio: string) => `Lock the ratio: ${ratio}`,
    swap: "Swap width and height",
    swapShort: "Swap",
    more: "More",
    fewer: "Fewer",
    automatic: "The provider chooses the size.",
    notKept: (wanted: string, is: string) =>
      `${is}: as near to ${wanted} as steps and limits allow at this size.`,
    use: (ratio: string) => `Use ${ratio} of your reference`,
    dismiss: "Keep the current ratio",
    atMost: (most: string) => `At most ${most} in total.`,
    atLeast: (least: string) => `At least ${least} in total.`,
    tooLong: (ratio: number) => `The longer edge can be at most ${ratio} times the shorter one.`,
    rule: (least: string | 0 | null, most: string | 0 | null, ratio: number | null) => {
      const pixels =
        least && most ? `${least} to ${most}` : most ? `Up to ${most}` : least ? `From ${least}` : "";
      if (ratio === null) return pixels;
      return pixels ? `${pixels}, ratio up to ${ratio}:1` : `Ratio up to ${ratio}:1`;
    },
  },
  // ---------------------------------------------------------------- the parameters of a model
  parameter: {
    on: "On",
    off: "Off",
    automatic: "Auto",
    advanced: "Advanced",
    help: (title: string) => `What is ${title}?`,
    reset: (title: string) => `Reset ${title}`,
    resetAll: "Reset all",
    resetAllHelp: "Reset every parameter of this model to its default",
    random: "Random",
    dice: "Pick a random seed",
    keep: "Keep",
    keepSeed: "Keep this seed",
    freeSeed: "Use a random seed each time",
    choices: EN_CHOICES,
    titles: {} as Words,
    helps: {} as Words,
  },
  // ---------------------------------------------------------------- what the kernel says, in the page's language
  errors: {
    own: {} as Partial<Record<ErrorCode, readonly [message: string, next: string]>>,
    whole: (message: string, next: string, _detail: string) => `${message} ${next}`.trim(),
  },
  // ---------------------------------------------------------------- the key of a provider
  keys: {
    set: "key set",
    label: (title: string) => `Key of ${title}`,
    get: "Get a key",
    from: (source: string) => `Found in: ${source}.`,
    said: {} as Partial<Record<Said, string>>,
  },
  // ---------------------------------------------------------------- a server of the user's own
  server: {
    title: "Add a server",
  },
  // ---------------------------------------------------------------- one image large
  lightbox: {
    info: "How it was made",
  },
};

/** All texts of one language, those of the parts too. */
export type Messages = typeof en &
  typeof adding &
  typeof download &
  typeof edit &
  typeof gallery &
  typeof sweep &
  typeof large &
  typeof mask &
  typeof picker &
  typeof tools;
