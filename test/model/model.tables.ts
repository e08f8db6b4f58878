import type { AttemptEnd, DeferralClass, KeptAnswer, NewTask, OutboxMessage, Rejection, Route, RouteState, RunEnd } from '#libs/kernel'

/** An unfinished task. */
export interface QueuedTask {
  readonly id: number
  readonly task: NewTask
  readonly acceptedAtMs: number
  state: 'pending' | 'running' | 'held'
  runAtMs: number
  reason: string | null
  /** Only the head of its key can be claimed; a task without a key is always one. */
  isHead: boolean
  /** It is claimed without an attempt: to have its files read, or its last call judged, first. */
  prepare: boolean
  leaseId: number | null
  claims: number
  sends: number
  attempts: number
  maybePaid: number
  crashes: number
  /** Set while it is not known whether it kills its workers. */
  suspectSinceMs: number | null
  /** Met since its last try came to an end. */
  deaths: number
  deferralClass: DeferralClass | null
  deferrals: number
  freeAttemptUsed: boolean
  promptVersion: string | null
}

export interface ModelAttempt {
  readonly taskNumber: number
  readonly number: number
  readonly id: string
  readonly counted: boolean
  state: 'sending' | AttemptEnd['state']
  errorCode: string | null
}

export interface ModelAnswer {
  readonly taskNumber: number
  readonly attemptId: string
  readonly attemptNumber: number
  readonly answer: KeptAnswer
}

export interface ModelRunRecord {
  readonly taskNumber: number
  readonly leaseId: number
  readonly end: RunEnd
  readonly keySequence: number | undefined
  readonly event: Buffer
}

export interface ModelMessage {
  readonly id: number
  readonly channel: OutboxMessage['channel']
  readonly of: ModelRunRecord | Rejection
  createdAtMs: number
}

export interface ModelLease {
  readonly id: number
  state: 'held' | 'reaped' | 'released'
  expiresAtMs: number
  reapedAtMs?: number
}

export interface ModelGrant {
  readonly leaseId: number
  readonly streams: number
  readonly inUse: number
  readonly wanted: number
  starvedSinceMs: number | null
}

interface ModelGate {
  adaptiveLimit: number | null
  changedAtMs: number | null
  loweredAtMs: number | null
  /** By lease. */
  readonly grants: Map<number, ModelGrant>
}

export interface ModelRoute extends Route {
  status: RouteState['status']
  failures: number
  reason: RouteState['reason']
  openMs: number
  openUntilMs: number
  probeLeaseId: number | null
}

interface Identity {
  readonly id: number
  readonly task: NewTask
}

/** All that a ledger keeps, as plain collections. Every task has one run: a redrive is not part of the port. */
export class ModelTables {
  readonly identities = new Map<string, Identity>()
  /** In the order of their numbers. */
  readonly queue = new Map<number, QueuedTask>()
  readonly attempts: ModelAttempt[] = []
  /** In the order in which they were received. */
  readonly answers: ModelAnswer[] = []
  /** By the number of their task. */
  readonly records = new Map<number, ModelRunRecord>()
  readonly rejections = new Map<string, Rejection>()
  outbox: ModelMessage[] = []
  readonly leases: ModelLease[] = []
  /** The number of the last result of each key, by the key in hexadecimal. */
  readonly sequences = new Map<string, number>()
  readonly gates = new Map<string, ModelGate>()
  readonly routes: ModelRoute[] = []
  private lastNumber = 0

  nextNumber(): number {
    return ++this.lastNumber
  }

  /** As an attempt's id has to be: a UUID. */
  nextId(): string {
    return `00000000-0000-4000-8000-${String(this.nextNumber()).padStart(12, '0')}`
  }

  holdsLease(id: number): boolean {
    return this.leases.some((lease) => lease.id === id && lease.state === 'held')
  }

  routeOf({ provider, model }: Route): ModelRoute {
    let route = this.routes.find((known) => known.provider === provider && known.model === model)
    if (!route) {
      route = { provider, model, status: 'closed', failures: 0, reason: null, openMs: 0, openUntilMs: 0, probeLeaseId: null }
      this.routes.push(route)
    }
    return route
  }

  /** May calls of the route start under this lease? */
  isOpenFor(route: Route, leaseId: number): boolean {
    const { status, probeLeaseId } = this.routeOf(route)
    return status === 'closed' || (status === 'half_open' && probeLeaseId === leaseId)
  }

  attemptOf(taskNumber: number, number: number): ModelAttempt | undefined {
    return this.attempts.find((attempt) => attempt.taskNumber === taskNumber && attempt.number === number)
  }

  /** The answer of a task that was received first. */
  answerOf(taskNumber: number): ModelAnswer | undefined {
    return this.answers.find((answer) => answer.taskNumber === taskNumber)
  }
}
