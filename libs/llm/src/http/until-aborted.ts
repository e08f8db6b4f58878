import { describeAbort } from './transport-errors.js'

/** Waits for something shared that goes on without us: an abort ends only our waiting. Rejects with the TaskError of the abort. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined)
    return Promise.reject(describeAbort(signal))
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(describeAbort(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
