// The providers: their keys, and the servers that the user adds.
import { type Answer, causeText } from "../lib/answer";
import { t } from "../messages";
import type { ProviderState } from "../protocol.gen";
import type { Slice } from "./state";

/** What came of a key, a test or a new server: the words of the kernel, and whether they are good news. */
export interface Report {
  good: boolean;
  message: string;
}

export interface ProvidersSlice {
  providers: ProviderState[];
  /** The server that was just added: its first model is chosen as soon as one is known. */
  awaitedServer: string | null;

  /** Hand a provider's key to the kernel, which keeps it; the page does not. */
  giveKey(provider: string, key: string): Promise<Report>;
  /** Test the connection to a provider. */
  checkProvider(provider: string): Promise<Report>;
  /** Add a server that speaks OpenAI's protocol, and chooses its first model as soon as one is known. */
  addServer(name: string, url: string, key: string): Promise<Report>;
  /** Remove a server. The notice about it can add the server again. */
  removeServer(name: string): Promise<void>;
  /** Choose the first model of the awaited server, if a model is known. */
  chooseOfServer(): void;
}

export const createProvidersSlice: Slice<ProvidersSlice> = (set, get, send) => ({
  providers: [],
  awaitedServer: null,

  giveKey: (provider, key) => hear(send({ method: "set_key", provider, key, remember: true })),
  checkProvider: (provider) => hear(send({ method: "check_provider", provider })),
  addServer: async (name, url, key) => {
    try {
      const { result } = await send({ method: "add_server", name, url, key, remember: key !== "" });
      if (result.type !== "server_added") return { good: true, message: "" };
      set({ awaitedServer: result.provider });
      get().chooseOfServer();
      return { good: !BAD.has(result.outcome), message: saidOf(result.outcome, result.message) };
    } catch (cause) {
      return refused(cause);
    }
  },
  removeServer: async (name) => {
    const url = get().providers.find((provider) => provider.name === name)?.server;
    const said = await hear(send({ method: "remove_server", name }));
    if (!said.good) {
      get().addNotice("error", said.message);
      return;
    }
    get().addNotice("info", t.server.removed(name), {
      label: t.notice.undo,
      run: () => {
        void get()
          .addServer(name, url ?? "", "")
          .then((again) => !again.good && get().addNotice("warning", again.message));
      },
    });
  },
  chooseOfServer: () => {
    const { models, awaitedServer } = get();
    const first = models.find(({ provider }) => provider === awaitedServer);
    if (first) get().chooseModel(first.name);
  },
});

const BAD = new Set(["missing_key", "bad_key", "no_network", "other"]);

function saidOf(name: keyof typeof t.keys.said, message: string): string {
  const own = t.keys.said[name];
  return own ? t.errors.whole(own, "", message) : message;
}

async function hear(answer: Promise<Answer>): Promise<Report> {
  try {
    const { result } = await answer;
    if (result.type === "provider_checked")
      return { good: !BAD.has(result.outcome), message: saidOf(result.outcome, result.message) };
    return { good: true, message: result.type === "key_taken" ? saidOf(result.keptIn, result.message) : "" };
  } catch (cause) {
    return refused(cause);
  }
}

function refused(cause: unknown): Report {
  return { good: false, message: causeText(cause) };
}
