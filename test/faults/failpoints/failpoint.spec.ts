/** What a failpoint does when it is reached. */
export type FailpointAction =
  /** SIGKILL to the own process. */
  | { readonly kind: 'kill' }
  /** The method rejects with what its port throws when the other side is away. */
  | { readonly kind: 'error' }
  /** The method goes on later. */
  | { readonly kind: 'stall'; readonly forMs: number }
  /** The event loop stands still. */
  | { readonly kind: 'block'; readonly forMs: number }
  /** An exception, or a rejection, that nobody handles, beside the work. */
  | { readonly kind: 'throw' | 'reject' }
  /** The heap is filled until Node gives up. */
  | { readonly kind: 'oom' }
  /** Every file descriptor is taken, for so long. */
  | { readonly kind: 'descriptors'; readonly forMs: number }
  /** The wall clock jumps. */
  | { readonly kind: 'clock'; readonly byMs: number }

export interface Failpoint {
  readonly when: 'before' | 'after'
  /** A name of points.ts, or `sql:` and the name of a statement. */
  readonly point: string
  readonly action: FailpointAction
  /** Acts from this pass on, counted from when it was armed, 1-based ... */
  readonly from: number
  /** ... and so many times. */
  readonly times: number
}

const FORMAT =
  /^(?<when>before|after)_(?<point>[a-z_]+|sql:[a-z-]+)=(?<kind>[a-z]+)(?::(?<ms>-?\d+))?(?:@(?<from>\d+))?(?:x(?<times>\d+))?$/

/** Whether the process dies of it. */
export function isDeadly({ action }: Failpoint): boolean {
  return DEADLY.has(action.kind)
}

const DEADLY: ReadonlySet<FailpointAction['kind']> = new Set(['kill', 'throw', 'reject', 'oom'])

/** Reads `after_record_answer=kill@3;before_publish=stall:500@1x4`. Throws with the part that it does not understand. */
export function parseFailpoints(text: string): Failpoint[] {
  return text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseOne)
}

function parseOne(part: string): Failpoint {
  const { when, point, kind, ms, from = '1', times = '1' } = FORMAT.exec(part)?.groups ?? {}
  const action = makeAction(kind, ms)
  if (!action || point === undefined) throw new Error(`not a failpoint: ${part}`)
  return { when: when as 'before' | 'after', point, action, from: Number(from), times: Number(times) }
}

function makeAction(kind: string | undefined, ms: string | undefined): FailpointAction | undefined {
  switch (kind) {
    case 'kill':
    case 'error':
    case 'throw':
    case 'reject':
    case 'oom':
      return ms === undefined ? { kind } : undefined
    case 'stall':
    case 'block':
    case 'descriptors':
      return ms === undefined ? undefined : { kind, forMs: Number(ms) }
    case 'clock':
      return ms === undefined ? undefined : { kind, byMs: Number(ms) }
    case undefined:
    default:
      return undefined
  }
}
