// The access to providers: their keys, and the servers that the user adds.
import { type Answer, causeText, type Send } from "../lib/answer";
import { t } from "../messages/picker";
import type { ServerPresetState } from "../protocol.gen";
import type { Reach } from "./state";

/** What came of a key, a test or a new server: the words of the kernel, and whether they are good news. */
export interface Report {
  good: boolean;
  message: string;
}

/** Hand a provider's key to the kernel, which keeps it; the page does not. */
export function giveKey(send: Send, provider: string, key: string): Promise<Report> {
  return hear(send({ method: "set_key", provider, key, remember: true }));
}

/** Test the connection to a provider. */
export function checkProvider(send: Send, provider: string): Promise<Report> {
  return hear(send({ method: "check_provider", provider }));
}

/** A server that the user adds. */
export interface NewServer {
  name: string;
  /** The base address, or empty for that of the preset. */
  url: string;
  key: string;
  /** The name of a known server, or empty. */
  preset: string;
  /** What fills the blanks in the address of the preset. */
  values: Record<string, string>;
}

/** Return the known servers; none where they cannot be asked for, because any server can be added without them. */
export async function knownServers(send: Send): Promise<ServerPresetState[]> {
  try {
    const { result } = await send({ method: "server_presets" });
    return result.type === "server_presets" ? result.presets : [];
  } catch {
    return [];
  }
}

/** Add a server that speaks OpenAI's protocol, and choose its first model as soon as one is known. */
export async function addServer({ store, send }: Reach, server: NewServer): Promise<Report> {
  try {
    const { result } = await send({ method: "add_server", ...server, remember: server.key !== "" });
    if (result.type !== "server_added") return { good: true, message: "" };
    store.setState({ awaitedServer: result.provider });
    store.getState().chooseOfServer();
    return { good: !BAD.has(result.outcome), message: saidOf(result.outcome, result.message) };
  } catch (cause) {
    return refused(cause);
  }
}

/** Remove a server. The notice about it can add the server again. */
export async function removeServer(page: Reach, name: string): Promise<void> {
  const { addNotice, providers } = page.store.getState();
  const gone = providers.find((provider) => provider.name === name);
  const said = await hear(page.send({ method: "remove_server", name }));
  if (!said.good) {
    addNotice("error", said.message);
    return;
  }
  const run = async (): Promise<void> => {
    const before = { name, url: gone?.server ?? "", key: "", preset: gone?.preset ?? "", values: {} };
    const again = await addServer(page, before);
    if (!again.good) addNotice("warning", again.message);
  };
  addNotice("info", t.server.removed(name), { label: t.notice.undo, run: () => void run() });
}

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
