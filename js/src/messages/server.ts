// What the page of a server says in place of the words about a kernel, a notebook and its cells.
import type { ErrorCode } from "../protocol.gen";
import { type Language, language, t } from ".";
import type { Messages } from "./en";
import type { Said } from "./words";

type Replaced = { [Section in keyof Messages]?: Partial<Messages[Section]> };

// The build keeps the keys of a table whose name is in capitals: the keys are names that the server chooses.
const ZH_ERRORS: Partial<Record<ErrorCode, readonly [string, string]>> = {
  over_budget: ["此请求会超出今日预算。", "请提高预算，或等到明天；没有保存、发送或产生费用。"],
  page_outdated: ["页面与服务器的 imgplay-widget 版本不一致。", "请重新载入页面。"],
  studio_closed: ["服务器正在停止。", "服务器重新启动后，页面会自动重新连接。"],
  provider_missing: ["此服务器没有该服务商或模型。", "请换一个模型。"],
  interrupted: ["发送前服务器已停止。", "重试即可发送；没有产生费用。"],
};

const ZH_SAID: Partial<Record<Said, string>> = {
  memory: "密钥只保留到服务器停止。",
};

const english: Replaced = {
  states: {
    connecting: "Connecting to the server…",
    waiting: "Waiting for the server…",
    busy: "The server is opening the studio…",
    busyNext: "Your clicks are kept and run when it is open.",
    gone: "You are no longer logged in to this server.",
    goneNext:
      "Open the server in another tab and log in, or start it there if it was stopped. This page then goes on by itself.",
    offline: "The connection to the server was lost.",
    offlineNext: "The page connects again by itself as soon as the server answers.",
  },
  part: { needsKernel: "This needs the server." },
  problem: {
    pageNext: "Try again. If it happens again, load the page again.",
    closed: "The page was closed.",
    closedNext: "Load the page again.",
    gone: "You are no longer logged in to this server.",
    goneNext: "Log in again, then try again.",
    lost: "The server's answer did not arrive.",
  },
  shortcuts: { note: "The keys work while the studio has the focus." },
  selection: { tooLarge: "Too large for this window to save. Select fewer images." },
};

const chinese: Replaced = {
  states: {
    connecting: "正在连接服务器…",
    waiting: "正在等待服务器…",
    waitingNext: "你的操作已保留，服务器应答后会执行。",
    busy: "服务器正在打开工作室…",
    busyNext: "你的操作已保留，打开后会执行。",
    gone: "你已不再登录此服务器。",
    goneNext: "请在另一个标签页中打开服务器并登录；如果服务器已停止，请在那里启动它。此页面随后会自动继续。",
    offline: "与服务器的连接已断开。",
    offlineNext: "服务器应答后，页面会自动重新连接。",
  },
  part: { needsKernel: "这需要服务器。" },
  problem: {
    pageNext: "请重试；如果仍然出现，请重新载入页面。",
    closed: "页面已关闭。",
    closedNext: "请重新载入页面。",
    gone: "你已不再登录此服务器。",
    goneNext: "请重新登录，然后重试。",
    lost: "没有收到服务器的应答。",
  },
  shortcuts: { note: "焦点在工作室内时，这些快捷键有效。" },
  selection: { tooLarge: "ZIP 太大，此窗口无法保存。请少选几张图片。" },
  errors: { own: ZH_ERRORS },
  keys: { said: ZH_SAID },
};

const REFUSED: Record<Language, string> = {
  en: "The server could not open the studio. The page tries again by itself.",
  zh: "服务器无法打开工作室。页面会自动重试。",
};

const REPLACED: Record<Language, Replaced> = { en: english, zh: chinese };

/** Why the server cannot open its studio, in the server's own words; empty if it can. */
let refusal = "";

/**
 * Put the words about a server into the texts that are shown. Another language, and each part, brings its own back.
 *
 * @param reason why the server cannot open its studio; empty if it can, and as before if it is left out
 */
export function speakOfServer(reason = refusal): void {
  refusal = reason;
  Object.assign(t, replaced(t, REPLACED[language()]));
  if (!refusal) return;
  const gone = { gone: refusal, goneNext: REFUSED[language()] };
  Object.assign(t, replaced(t, { states: gone, problem: gone }));
}

/** Return a table with other texts in it, at any depth. */
function replaced(table: object, texts: object): object {
  const known = new Map<string, unknown>(Object.entries(table));
  const changed = Object.entries(texts).map(([key, text]: [string, unknown]) => {
    const before = known.get(key);
    return [key, isTable(text) && isTable(before) ? replaced(before, text) : text] as const;
  });
  return { ...table, ...Object.fromEntries(changed) };
}

function isTable(value: unknown): value is object {
  return typeof value === "object" && !Array.isArray(value);
}
