import { hash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { HEADERS, type ErrorCode } from '#libs/contracts'
import { classifyError, Ledger, PromptRenderer, TaskError, TaskTypes, type Delivery, type NewTask } from '#libs/kernel'
import { isTraceParent } from '#libs/tracing'
import type { TakenDelivery } from '../metrics/task.events.js'
import { OutboxRelay } from '../outbox/outbox.relay.js'
import { resolveTask, type ResolutionRules } from '../types/resolve-task.js'
import { TenantDirectory } from '../types/tenant-directory.js'
import { IntakeWatch } from './intake.watch.js'
import { makeOrderingKey } from './ordering-key.js'
import { MessageParser } from './message-parser.js'
import { makeRejection, type Problem } from './rejection.js'

const MAX_CORRELATION_ID = 256
const PRINTABLE = /^[\x20-\x7e]+$/

/**
 * Puts deliveries into the ledger: each as a task, as a duplicate of one, or as a rejection with its dead letter. Idempotent by (tenant,
 * task id) and by the record's position, so a batch may be offered again after any failure.
 */
@Injectable()
export class TaskIntake {
  private readonly rules: ResolutionRules

  constructor(
    private readonly parser: MessageParser,
    types: TaskTypes,
    tenants: TenantDirectory,
    prompts: PromptRenderer,
    private readonly ledger: Ledger,
    private readonly relay: OutboxRelay,
    private readonly watch: IntakeWatch,
  ) {
    this.rules = { types, tenants, prompts }
  }

  /** Rejects only when the ledger could not store a delivery; then all of them are offered again. */
  async take(deliveries: readonly Delivery[]): Promise<void> {
    const offers = await Promise.all(deliveries.map((delivery) => this.store(delivery)))
    const rejections = deliveries.flatMap((delivery, index) => {
      const { problem } = offers[index]!
      return problem ? [makeRejection(delivery, problem)] : []
    })
    if (rejections.length > 0) this.relay.publish(await this.ledger.reject(rejections))
    offers.forEach((offer) => this.watch.tell(describeOffer(offer)))
  }

  private store(delivery: Delivery): Promise<Offer> {
    return this.watch.follow(delivery, readTraceparent(delivery.headers), (traceparent) => this.offer(delivery, traceparent))
  }

  private async offer(delivery: Delivery, traceparent: string): Promise<Offer> {
    const { message, error, taskId } = this.parser.parse(delivery)
    if (error) return refuse({ error, ...(taskId !== undefined && { taskId }) })
    const { task, error: refusal } = resolveTask(message, delivery.topic, this.rules)
    if (refusal) return refuse({ error: refusal, taskId: message.task_id, ...(message.tenant !== undefined && { tenant: message.tenant }) })
    const known = { taskId: message.task_id, tenant: task.tenant.name }
    try {
      const result = await this.ledger.accept(makeNewTask(delivery, { taskId: message.task_id, traceparent, task }))
      if (result === 'conflict') return refuse({ ...known, error: makeConflict(message.task_id) })
      return { outcome: result === 'accepted' ? 'accepted' : 'duplicate', type: task.type.name }
    } catch (thrown) {
      const failure = classifyError(thrown)
      // The ledger is away: nothing is known of this delivery. Anything else is about this one record, which must not stop its partition.
      if (failure.code === 'ledger_unavailable') throw failure
      return refuse({ ...known, error: failure })
    }
  }
}

/** `outcome` and `code` are what the trace reads. */
type Offer =
  | { readonly outcome: 'accepted' | 'duplicate'; readonly type: string; readonly problem?: never }
  /** It must be rejected. */
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly problem: Problem }

function refuse(problem: Problem): Offer {
  return { outcome: 'failed', code: problem.error.code, problem }
}

function describeOffer(offer: Offer): TakenDelivery {
  return offer.problem ? { result: 'rejected', code: offer.code } : { result: offer.outcome, type: offer.type }
}

function makeConflict(taskId: string): TaskError {
  return TaskError.invalid('conflict', `task_id: ${taskId} was accepted before with another value; send a new task_id`)
}

interface Resolved {
  readonly taskId: string
  readonly traceparent: string
  readonly task: NonNullable<ReturnType<typeof resolveTask>['task']>
}

function makeNewTask(delivery: Delivery, { taskId, traceparent, task }: Resolved): NewTask {
  const { topic, partition, offset, key, headers } = delivery
  const payload = delivery.value!
  return {
    tenant: task.tenant.name,
    taskId,
    type: task.type.name,
    priority: task.priority,
    source: { topic, partition, offset },
    key,
    orderingKey: task.type.ordering === 'key' && key !== null ? makeOrderingKey(topic, partition, key) : null,
    payload,
    payloadHash: hash('sha256', payload, 'buffer'),
    traceparent,
    correlationId: readCorrelationId(headers),
    deadlineMs: task.deadlineMs,
    provider: task.provider,
    model: task.model,
    hasFiles: task.hasFiles,
    estimatedTokens: task.estimatedTokens,
  }
}

function readTraceparent(headers: Delivery['headers']): string | null {
  const text = headers.get(HEADERS.traceparent)?.toString('latin1')
  return isTraceParent(text) ? text : null
}

function readCorrelationId(headers: Delivery['headers']): string | null {
  const value = headers.get(HEADERS.correlationId)
  if (!value || value.length > MAX_CORRELATION_ID) return null
  const text = value.toString('latin1')
  return PRINTABLE.test(text) ? text : null
}
