import { t } from "../messages";
import type { Call, ErrorCode, ErrorState, Result } from "../protocol.gen";

/** What the kernel answered to a call, with the bytes that came along. */
export interface Answer {
  result: Result;
  buffers: DataView[];
}

/** Sends a call to the kernel, with bytes where it takes some. Rejects with a `RequestError`. */
export type Send = (call: Call, buffers?: ArrayBuffer[]) => Promise<Answer>;

/** A call that was refused, by the kernel or on the way. */
export class RequestError extends Error {
  constructor(readonly state: ErrorState) {
    super(state.message);
  }
}

/** The error as it is shown, whatever was thrown. */
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

/** An error in the language of the page; `detail` is what the kernel says of it, where that is another one. */
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

/** All that is said of an error. */
export function errorText(error: ErrorState): string {
  const { message, next, detail } = worded(error);
  return t.errors.whole(message, next, detail);
}

/** All that is said of whatever was thrown. */
export function causeText(cause: unknown): string {
  return errorText(errorState(cause));
}
