import { t } from "../messages";
import type { Call, ErrorState, Result } from "../protocol.gen";

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
