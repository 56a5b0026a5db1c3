// Every text of the page, in English and in Chinese. `t` is the one of the host's language.
// What the kernel says (errors, the help of parameters) comes as it is.

const en = {
  // ---------------------------------------------------------------- what all parts say
  common: {
    close: "Close",
    cancel: "Cancel",
    retry: "Retry",
    copy: "Copy",
    copied: "Copied",
    more: "More",
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
    fill: "Fill the window",
    leave: "Leave the full window",
    shortcuts: "Keyboard shortcuts",
    closePanel: "Close this panel",
  },
  // ---------------------------------------------------------------- how the page stands to the kernel
  states: {
    connecting: "Connecting to the kernel…",
    waiting: "Waiting for the kernel…",
    waitingNext: "Clicks are kept and carried out when it answers.",
    busy: "The kernel is computing.",
    busyNext: "Clicks wait until the running cell ends, or interrupt it.",
    gone: "The kernel no longer knows this studio.",
    goneNext: "Run the cell again; all that was made is stored.",
    offline: "The connection to the notebook is lost.",
    offlineNext: "It is taken up by itself when the network is back.",
    none: "Read-only: no kernel is running.",
    noneNext: "Choose a kernel and run the cell to go on.",
    inert: (why: string, next: string) => `${why} ${next}`,
    broken: "This part could not be shown.",
    brokenNext: "Nothing is lost: what was made is stored.",
    report: "Copy report",
    reported: "The report is copied.",
    notReported: "The browser does not let the page copy.",
  },
  // ---------------------------------------------------------------- what is said and can be dismissed
  notice: {
    undo: "Undo",
    dismiss: "Dismiss",
  },
  // ---------------------------------------------------------------- the list that `?` opens
  shortcuts: {
    title: "Keyboard shortcuts",
    keys: {
      enter: "Enter",
      shift: "Shift",
      escape: "Esc",
      arrows: "Arrow keys",
      space: "Space",
      delete: "Delete",
    },
    everywhere: "Everywhere",
    help: "Show this list",
    fill: "Fill the window, or leave it",
    leave: "Close what is open, leave the full window",
    configuration: "Show or hide the configuration",
    topics: "Show or hide the topics",
    prompt: "Go to the prompt",
    move: "Move a handle, a slider, a choice",
    note: "The notebook's own shortcuts rest while the studio has the focus; saving (Ctrl+S) still works.",
    composer: "Prompt",
    generate: "Generate",
    line: "New line",
  },
};

/** The texts; a language has all of them. */
export type Messages = typeof en;

const zh: Messages = {
  common: {
    close: "关闭",
    cancel: "取消",
    retry: "重试",
    copy: "复制",
    copied: "已复制",
    more: "更多",
    loading: "加载中",
    automatic: "自动",
  },
  frame: {
    studio: "图像工作室",
    config: "配置",
    workspace: "工作区",
    topics: "主题",
    newTopic: "新主题",
    leftWidth: "配置面板宽度",
    rightWidth: "主题面板宽度",
    height: "工作室高度",
    fill: "铺满窗口",
    leave: "退出铺满窗口",
    shortcuts: "键盘快捷键",
    closePanel: "关闭此面板",
  },
  states: {
    connecting: "正在连接内核…",
    waiting: "正在等待内核…",
    waitingNext: "点击已保留，内核应答后执行。",
    busy: "内核正在计算。",
    busyNext: "点击会等到当前单元格结束，也可以中断它。",
    gone: "内核已不认识这个工作室。",
    goneNext: "请重新运行单元格；已生成的内容都已保存。",
    offline: "与笔记本的连接已断开。",
    offlineNext: "网络恢复后会自动重新连接。",
    none: "只读：没有正在运行的内核。",
    noneNext: "选择内核并运行单元格即可继续。",
    inert: (why, next) => `${why}${next}`,
    broken: "此部分无法显示。",
    brokenNext: "没有丢失任何内容：已生成的内容都已保存。",
    report: "复制报告",
    reported: "报告已复制。",
    notReported: "浏览器不允许页面复制。",
  },
  notice: {
    undo: "撤销",
    dismiss: "关闭",
  },
  shortcuts: {
    title: "键盘快捷键",
    keys: {
      enter: "回车",
      shift: "Shift",
      escape: "Esc",
      arrows: "方向键",
      space: "空格",
      delete: "Delete",
    },
    everywhere: "全局",
    help: "显示此列表",
    fill: "铺满窗口或退出",
    leave: "关闭已打开的内容，退出铺满窗口",
    configuration: "显示或隐藏配置",
    topics: "显示或隐藏主题",
    prompt: "转到提示词",
    move: "移动手柄、滑块或选项",
    note: "焦点在工作室内时，笔记本自己的快捷键不起作用；保存（Ctrl+S）仍然有效。",
    composer: "提示词",
    generate: "生成",
    line: "换行",
  },
};

/** The languages of the page, as `lang` names them. */
export type Language = "en" | "zh";

/** The language that is shown. */
export let language: Language = "en";
/** The texts of the language that is shown. Read it when drawing: it is set before the first drawing. */
export let t: Messages = en;

/** Shows the page in a language; what is neither is English. */
export function speak(wanted: string): void {
  language = /^zh\b/i.test(wanted.replace("_", "-")) ? "zh" : "en";
  t = language === "zh" ? zh : en;
}

/** The host's language: that of the document (JupyterLab sets it), else the browser's. */
export function hostLanguage(): string {
  return document.documentElement.lang || navigator.language || "en";
}
