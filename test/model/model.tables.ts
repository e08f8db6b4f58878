import type { AttemptEnd, DeferralClass, KeptAnswer, NewTask, OutboxMessage, Rejection, RunEnd } from '#libs/kernel'

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

  attemptOf(taskNumber: number, number: number): ModelAttempt | undefined {
    return this.attempts.find((attempt) => attempt.taskNumber === taskNumber && attempt.number === number)
  }

  /** The answer of a task that was received first. */
  answerOf(taskNumber: number): ModelAnswer | undefined {
    return this.answers.find((answer) => answer.taskNumber === taskNumber)
  }
}
