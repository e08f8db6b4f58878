/** Something that ends when a signal does. */
export interface Abortable {
  aborted(signal: AbortSignal): void
}

/**
 * The calls of each signal on one listener. All calls of a worker share a few signals, and a signal looks through its whole list for every
 * listener that comes or goes: at a thousand calls in flight that was a measurable part of a call's CPU time.
 */
export class AbortWatch {
  private readonly calls = new WeakMap<AbortSignal, Set<Abortable>>()

  /** The signal must not be aborted yet. */
  add(signal: AbortSignal, call: Abortable): void {
    const calls = this.calls.get(signal) ?? this.watch(signal)
    calls.add(call)
  }

  remove(signal: AbortSignal, call: Abortable): void {
    this.calls.get(signal)?.delete(call)
  }

  private watch(signal: AbortSignal): Set<Abortable> {
    const calls = new Set<Abortable>()
    this.calls.set(signal, calls)
    signal.addEventListener('abort', () => calls.forEach((call) => call.aborted(signal)), { once: true })
    return calls
  }
}
