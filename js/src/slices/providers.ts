// The providers, and the server that was just added.
import type { ProviderState } from "../protocol.gen";
import type { Slice } from "./state";

export interface ProvidersSlice {
  providers: ProviderState[];
  /** The server that was just added: its first model is chosen as soon as one is known. */
  awaitedServer: string | null;

  /** Choose the first model of the awaited server, if a model is known. */
  chooseOfServer(): void;
}

export const createProvidersSlice: Slice<ProvidersSlice> = (_set, get) => ({
  providers: [],
  awaitedServer: null,

  chooseOfServer: () => {
    const { models, awaitedServer } = get();
    const first = models.find(({ provider }) => provider === awaitedServer);
    if (first) get().chooseModel(first.name);
  },
});
