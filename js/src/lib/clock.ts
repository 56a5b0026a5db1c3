// One timer for everything that shows passing time; it runs only while something listens.

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Call back each second until the returned function is called. */
export function onSecond(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const each of [...listeners]) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
