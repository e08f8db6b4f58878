import { hash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { HEADERS } from '#libs/contracts'
import { classifyError, Ledger, PromptRenderer, TaskError, TaskTypes, type Delivery, type NewTask } from '#libs/kernel'
import { isTraceParent, Tracer } from '#libs/tracing'
import { OutboxRelay } from '../outbox/outbox.relay.js'
import { resolveTask, type ResolutionRules } from '../types/resolve-task.js'
import { TenantDirectory } from '../types/tenant-directory.js'
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
    private readonly tracer: Tracer,
  ) {
    this.rules = { types, tenants, prompts }
  }

  /** Rejects only when the ledger could not store a delivery; then all of them are offered again. */
  async take(deliveries: readonly Delivery[]): Promise<void> {
    const problems = await Promise.all(deliveries.map((delivery) => this.store(delivery)))
    const rejections = deliveries.flatMap((delivery, index) => {
      const problem = problems[index]
      return problem ? [makeRejection(delivery, problem)] : []
    })
    if (rejections.length > 0) this.relay.publish(await this.ledger.reject(rejections))
  }

  /** Why the delivery must be rejected; undefined when it is stored. */
  private async store(delivery: Delivery): Promise<Problem | undefined> {
    const span = this.tracer.startDelivery(readTraceparent(delivery.headers), delivery)
    try {
      const problem = await span.run(() => this.offer(delivery, span.traceparent))
      span.end(problem ? { ok: false, error: problem.error } : { ok: true })
      return problem
    } catch (error) {
      span.end({ ok: false, error })
      throw error
    }
  }

  private async offer(delivery: Delivery, traceparent: string): Promise<Problem | undefined> {
    const { message, error, taskId } = this.parser.parse(delivery)
    if (error) return { error, ...(taskId !== undefined && { taskId }) }
    const { task, error: refusal } = resolveTask(message, delivery.topic, this.rules)
    if (refusal) return { error: refusal, taskId: message.task_id, ...(message.tenant !== undefined && { tenant: message.tenant }) }
    const known = { taskId: message.task_id, tenant: task.tenant.name }
    try {
      const result = await this.ledger.accept(makeNewTask(delivery, { taskId: message.task_id, traceparent, task }))
      return result === 'conflict' ? { ...known, error: makeConflict(message.task_id) } : undefined
    } catch (thrown) {
      const failure = classifyError(thrown)
      // The ledger is away: nothing is known of this delivery. Anything else is about this one record, which must not stop its partition.
      if (failure.code === 'ledger_unavailable') throw failure
      return { ...known, error: failure }
    }
  }
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
