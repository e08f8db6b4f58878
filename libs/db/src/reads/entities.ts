import { EntitySchema } from 'typeorm'

/** Rows as an operator reads them. The hot statements do not use these. */
export interface TaskRow {
  readonly acceptedOn: string
  readonly id: string
  readonly tenant: string
  readonly taskId: string
  readonly type: string
  readonly priority: number
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly provider: string
  readonly model: string
  readonly deadline: Date | null
  readonly acceptedAt: Date
}

export interface QueueRow {
  readonly id: string
  readonly state: 'pending' | 'running' | 'held'
  readonly isHead: boolean
  readonly runAt: Date
  readonly reason: string | null
  readonly deferralClass: string | null
  /** How often in a row it has been deferred for that class. */
  readonly deferrals: number
  readonly run: number
  readonly attempts: number
  readonly maybePaid: number
  readonly crashes: number
  /** Its worker died, and it has not been tried since: it runs apart from the others. null: no suspect. */
  readonly suspectSince: Date | null
  /** Of its workers, since its last try came to an end. */
  readonly deaths: number
  readonly leaseId: string | null
}

export interface AttemptRow {
  readonly acceptedOn: string
  readonly taskNumber: string
  readonly run: number
  readonly number: number
  readonly id: string
  readonly state: 'sending' | 'not_sent' | 'refused' | 'answered' | 'maybe_paid'
  readonly openedAt: Date
  readonly endedAt: Date | null
  readonly httpStatus: number | null
  readonly errorCode: string | null
}

export interface RunRow {
  readonly acceptedOn: string
  readonly taskNumber: string
  readonly run: number
  readonly outcome: 'succeeded' | 'failed' | 'cancelled' | 'expired'
  readonly attempts: number
  readonly finishedAt: Date
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly promptTokens: number | null
  readonly completionTokens: number | null
  readonly model: string | null
  readonly finishReason: string | null
  readonly promptVersion: string | null
  readonly resultEventId: string
}

export const taskEntity = new EntitySchema<TaskRow>({
  name: 'task',
  columns: {
    acceptedOn: { name: 'accepted_on', type: 'date', primary: true },
    id: { type: 'bigint', primary: true },
    tenant: { type: 'text' },
    taskId: { name: 'task_id', type: 'text' },
    type: { type: 'text' },
    priority: { type: 'smallint' },
    topic: { type: 'text' },
    partition: { type: 'integer' },
    offset: { type: 'bigint' },
    provider: { type: 'text' },
    model: { type: 'text' },
    deadline: { type: 'timestamptz', nullable: true },
    acceptedAt: { name: 'accepted_at', type: 'timestamptz' },
  },
})

export const queueEntity = new EntitySchema<QueueRow>({
  name: 'task_queue',
  columns: {
    id: { type: 'bigint', primary: true },
    state: { type: 'text' },
    isHead: { name: 'is_head', type: 'boolean' },
    runAt: { name: 'run_at', type: 'timestamptz' },
    reason: { type: 'text', nullable: true },
    deferralClass: { name: 'deferral_class', type: 'text', nullable: true },
    deferrals: { type: 'integer' },
    run: { type: 'integer' },
    attempts: { type: 'integer' },
    maybePaid: { name: 'maybe_paid', type: 'integer' },
    crashes: { type: 'integer' },
    deaths: { type: 'integer' },
    suspectSince: { name: 'suspect_since', type: 'timestamptz', nullable: true },
    leaseId: { name: 'lease_id', type: 'bigint', nullable: true },
  },
})

export const attemptEntity = new EntitySchema<AttemptRow>({
  name: 'attempt',
  columns: {
    acceptedOn: { name: 'accepted_on', type: 'date', primary: true },
    taskNumber: { name: 'task_number', type: 'bigint', primary: true },
    run: { type: 'integer', primary: true },
    number: { type: 'integer', primary: true },
    id: { type: 'uuid' },
    state: { type: 'text' },
    openedAt: { name: 'opened_at', type: 'timestamptz' },
    endedAt: { name: 'ended_at', type: 'timestamptz', nullable: true },
    httpStatus: { name: 'http_status', type: 'integer', nullable: true },
    errorCode: { name: 'error_code', type: 'text', nullable: true },
  },
})

export const runEntity = new EntitySchema<RunRow>({
  name: 'run_record',
  columns: {
    acceptedOn: { name: 'accepted_on', type: 'date', primary: true },
    taskNumber: { name: 'task_number', type: 'bigint', primary: true },
    run: { type: 'integer', primary: true },
    outcome: { type: 'text' },
    attempts: { type: 'integer' },
    finishedAt: { name: 'finished_at', type: 'timestamptz' },
    errorCode: { name: 'error_code', type: 'text', nullable: true },
    errorMessage: { name: 'error_message', type: 'text', nullable: true },
    promptTokens: { name: 'prompt_tokens', type: 'integer', nullable: true },
    completionTokens: { name: 'completion_tokens', type: 'integer', nullable: true },
    model: { type: 'text', nullable: true },
    finishReason: { name: 'finish_reason', type: 'text', nullable: true },
    promptVersion: { name: 'prompt_version', type: 'text', nullable: true },
    resultEventId: { name: 'result_event_id', type: 'uuid' },
  },
})
