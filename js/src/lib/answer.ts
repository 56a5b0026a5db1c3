import { t } from "../messages";
import type { Call, ErrorCode, ErrorState, Result } from "../protocol.gen";

/** What the kernel answered to a call, with the bytes that came along. */
export interface Answer {
  result: Result;
  buffers: DataView[];
}

/** Sends a call to the kernel, with bytes if the call takes some. Rejects with a `RequestError`. */
export type Send = (call: Call, buffers?: ArrayBuffer[]) => Promise<Answer>;

/** A call that was refused, by the kernel or on the way. */
export class RequestError extends Error {
  constructor(readonly state: ErrorState) {
    super(state.message);
  }
}

/** Return anything that was thrown as an error that can be shown. */
export function errorState(cause: unknown): ErrorState {
  if (cause instanceof RequestError) return cause.state;
  return {
    code: "page",
    message: t.problem.page,
    nextStep: t.problem.pageNext,
    fault: "here",
    provider: null,
    retryable: true,
    retryAfter: null,
    requestId: null,
  };
}

/** Return whether a call was refused only because nobody knows its price: the user may agree to pay it. */
export function isUnpriced({ code }: ErrorState): boolean {
  return code === "price_unknown";
}

/**
 * Return an error in the language of the page. `detail` is the kernel's own sentence, if it is in another language.
 */
export function worded({
  code,
  message,
  nextStep,
}: ErrorState): Record<"message" | "next" | "detail", string> {
  const own = t.errors.own[code as ErrorCode];
  return own
    ? { message: own[0], next: own[1], detail: `${message} ${nextStep}`.trim() }
    : { message, next: nextStep, detail: "" };
}

/** Return an error as one text. */
export function errorText(error: ErrorState): string {
  const { message, next, detail } = worded(error);
  return t.errors.whole(message, next, detail);
}

/** Return anything that was thrown as one text. */
export function causeText(cause: unknown): string {
  return errorText(errorState(cause));
}
