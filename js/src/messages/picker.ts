// The English texts of the list of models and of the dialog for a server.
import { added } from ".";

export const english = {
  model: {
    also: "Also:",
    alsoLabel: "Models that are asked too",
    askNot: (title: string) => `Do not ask ${title}`,
    show: (title: string) => `Show the parameters of ${title}`,
    gone: "Not available here, and not asked.",
    search: "Search models",
    none: "No listed model matches.",
    ask: (title: string) => `Ask ${title} too`,
    asked: "asked too",
    nowAsked: (title: string) => `${title} is asked too.`,
    notAsked: (title: string) => `${title} is no longer asked.`,
    listed: (since: string) => `updated ${since}`,
    other: "Other model…",
    otherHelp: "Any id that the provider knows, exactly as it spells it.",
    provider: "Provider",
    id: "Model id",
    /** What the demo says of itself, where the kernel does not speak the language. */
    use: "Use",
    starred: "Starred",
    recent: "Recent",
    keyMissing: "Its key is missing. Click its name to enter it.",
    promptTooLong: (over: number) => `The prompt is ${over} characters over its limit.`,
  },
  keys: {
    missing: "key missing",
    missingFor: (title: string) => `${title}, key missing`,
    placeholder: "Key",
    another: "New key",
    save: "Save",
    test: "Test connection",
    testing: "Testing…",
  },
  server: {
    add: "Add a server…",
    intro: "Any server with an OpenAI-compatible API: LocalAI, vLLM, stable-diffusion.cpp or a relay.",
    name: "Name",
    url: "Address",
    key: "Key (if it needs one)",
    submit: "Add",
    adding: "Asking the server…",
    added: (name: string) => `${name} was added.`,
    again: "Try again",
    done: "Done",
    remove: "Remove this server",
  },
};

/** The texts that are shown, with those of this part. */
export const t = added(english);
