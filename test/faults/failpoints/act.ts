import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { FailpointAction } from './failpoint.spec.js'

/** Does what can be done without waiting; gives what must be waited for. Throws `makeError()` where the action is an error. */
export function act(action: FailpointAction, makeError: () => Error): Promise<void> | undefined {
  switch (action.kind) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL')
      // The signal is delivered at the latest here: nothing of the work may go on.
      for (;;);
    case 'error':
      throw makeError()
    case 'stall':
      return delay(action.forMs)
    case 'block':
      for (const untilMs = performance.now() + action.forMs; performance.now() < untilMs;);
      return undefined
    case 'throw':
      setImmediate(() => {
        throw new Error('a failpoint has thrown')
      })
      return undefined
    case 'oom':
      for (const kept: unknown[] = []; ; kept.push(Array.from({ length: 100_000 }, () => ({}))));
    case 'descriptors':
      takeDescriptors(action.forMs)
      return undefined
    case 'clock':
      moveClock(action.byMs)
      return undefined
    case 'reject':
      void Promise.reject(new Error('a failpoint has rejected'))
      return undefined
  }
}

function takeDescriptors(forMs: number): void {
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    setTimeout(() => taken.forEach((descriptor) => closeSync(descriptor)), forMs)
  }
}

/** As a correction of the machine's clock is seen by code that asks for the time; timers are monotonic. */
function moveClock(byMs: number): void {
  const nowMs = Date.now.bind(Date)
  const movedMs = () => nowMs() + byMs
  globalThis.Date = new Proxy(Date, {
    construct: (date, args) => (args.length === 0 ? new date(movedMs()) : (Reflect.construct(date, args) as Date)),
    get: (date, name) => (name === 'now' ? movedMs : (Reflect.get(date, name) as unknown)),
  })
}
