import { act } from './act.js'
import type { FailpointAction } from './failpoint.spec.js'
import type { Failpoints } from './failpoints.js'

type Method = (this: unknown, ...args: unknown[]) => unknown

/** A method of an adapter at which failpoints may act. */
export interface Place {
  readonly prototype: object
  readonly method: string
  /** false for a method that gives no promise: there nothing can be stalled. */
  readonly async: boolean
  /** The point that this call passes; undefined: none. */
  readonly pointOf: (self: never, args: readonly never[]) => string | undefined
  /** What the method's port throws when the other side is away. */
  readonly makeError: () => Error
}

/** Puts a method of the same shape in the place of one, which passes its failpoint before and after. Throws where there is no such method. */
export function decorate(place: Place, failpoints: Failpoints): void {
  const { prototype, method, pointOf } = place
  const original = (prototype as Record<string, Method | undefined>)[method]
  if (typeof original !== 'function') throw new Error(`no method ${method} to decorate`)
  const decorated = function (this: unknown, ...args: unknown[]) {
    const point = pointOf(this as never, args as never[])
    if (point === undefined) return original.apply(this, args)
    const pass = (when: 'before' | 'after') => failpoints.pass(when, point)
    return place.async ? passAsync(place, pass, () => original.apply(this, args)) : passSync(place, pass, () => original.apply(this, args))
  }
  Object.defineProperty(prototype, method, { value: decorated, configurable: true, writable: true })
}

type Pass = (when: 'before' | 'after') => FailpointAction | undefined

/** Nothing is put off where no failpoint acts: what is called first stays first. */
function passAsync({ makeError }: Place, pass: Pass, call: () => unknown): unknown {
  const action = pass('before')
  const called = action ? actLater(action, makeError).then(call) : (call() as Promise<unknown>)
  return called.then(async (result) => {
    const last = pass('after')
    if (last) await act(last, makeError)
    return result
  })
}

async function actLater(action: FailpointAction, makeError: () => Error): Promise<void> {
  await act(action, makeError)
}

function passSync({ makeError, method }: Place, pass: Pass, call: () => unknown): unknown {
  const actNow = (when: 'before' | 'after') => {
    const action = pass(when)
    if (action && act(action, makeError)) throw new Error(`${method} cannot be stalled`)
  }
  actNow('before')
  const result = call()
  actNow('after')
  return result
}
