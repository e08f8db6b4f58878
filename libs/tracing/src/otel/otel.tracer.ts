import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  TraceFlags,
  type Context,
  type Link,
  type Span as OtelSpan,
  type Tracer as Api,
} from '@opentelemetry/api'
import { classifyError, TaskContext, type ClaimedTask, type Delivery, type PipelineContext } from '#libs/kernel'
import { contextOf, isTraced, markError, recordSpan } from '../in-span.js'
import { MESSAGING, SLUICE } from '../names/semantic.names.js'
import type { TraceIds } from '../trace-ids.js'
import { formatTraceParent } from '../traceparent.js'
import { Tracer, type Span, type SpanEnd } from '../tracer.js'
import { makeDispatchSpanId, type SpanIds } from './span-ids.js'

/** What the pipeline ends with, as far as it is read here. */
interface ReadOutcome {
  readonly outcome?: string
  readonly code?: string
  readonly reason?: string
  readonly delayMs?: number
}

/**
 * Spans of OpenTelemetry. One trace of a task:
 *
 *   the producer's span
 *   └ process <topic>       intake: from the record to the ledger
 *     ├ wait                from when the task was due until it was claimed
 *     ├ run <type>          a dispatch; those after a deferral or a crash are linked to the one before them
 *     │ ├ chat <model>      and what else the libraries record
 *     │ └ ...
 *     └ send <topic>        the result
 */
export class OtelTracer extends Tracer {
  readonly records = true

  constructor(
    private readonly api: Api,
    private readonly spanIds: SpanIds,
    private readonly ids: TraceIds,
  ) {
    super()
  }

  startDispatch(parent: string | null, dispatched: PipelineContext): Span {
    if (dispatched instanceof TaskContext) return this.startRun(parent, dispatched.task)
    // A batch of records of many traces: each has a span of its own.
    return new NoSpan(this.ids.makeTraceParent())
  }

  startDelivery(parent: string | null, { topic, partition, offset, value }: Delivery): Span {
    return this.start(parent === null ? ROOT_CONTEXT : contextOf(parent), `process ${topic}`, {
      kind: SpanKind.CONSUMER,
      attributes: {
        [MESSAGING.system]: 'kafka',
        [MESSAGING.operationType]: 'process',
        [MESSAGING.operationName]: 'process',
        [MESSAGING.destinationName]: topic,
        [MESSAGING.destinationPartition]: String(partition),
        [MESSAGING.kafkaOffset]: Number(offset),
        ...(value && { [MESSAGING.bodySize]: value.length }),
      },
    })
  }

  private startRun(parent: string | null, task: ClaimedTask): Span {
    const parentContext = parent === null ? ROOT_CONTEXT : contextOf(parent)
    const traceId = trace.getSpanContext(parentContext)?.traceId
    if (traceId !== undefined) {
      if (isTraced(parentContext)) recordWait(task, parentContext)
      this.spanIds.give(makeDispatchSpanId(traceId, task.id, task.claim))
    }
    return this.start(parentContext, `run ${task.type}`, {
      kind: SpanKind.INTERNAL,
      links: traceId === undefined ? [] : linkEarlier(traceId, task),
      attributes: describeTask(task),
    })
  }

  private start(parent: Context, name: string, options: Parameters<Api['startSpan']>[1]): Span {
    const span = this.api.startSpan(name, options, parent)
    return span.isRecording() ? new RecordedSpan(span, trace.setSpan(parent, span)) : new NoSpan(traceparentOf(span))
  }
}

class RecordedSpan implements Span {
  readonly traceparent: string

  constructor(
    private readonly span: OtelSpan,
    private readonly inside: Context,
  ) {
    this.traceparent = traceparentOf(span)
  }

  run<T>(work: () => T): T {
    return context.with(this.inside, work)
  }

  end(end: SpanEnd): void {
    if (end.ok) describeOutcome(this.span, end.value)
    else markError(this.span, classifyError(end.error).code)
    this.span.end()
  }
}

/** Not sampled: it has a place in its trace, and nothing else. */
class NoSpan implements Span {
  constructor(readonly traceparent: string) {}

  run<T>(work: () => T): T {
    return work()
  }

  end(): void {
    // Nothing was recorded.
  }
}

function traceparentOf(span: OtelSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return formatTraceParent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 })
}

function describeTask(task: ClaimedTask) {
  const { taskId, type, tenant, run, claim, attempt } = task
  return {
    [SLUICE.taskId]: taskId,
    [SLUICE.taskType]: type,
    [SLUICE.tenant]: tenant,
    [SLUICE.run]: run,
    [SLUICE.claim]: claim,
    ...(attempt && { [SLUICE.attempt]: attempt.number }),
  }
}

/** The dispatch before this one, wherever it was and however it ended. */
function linkEarlier(traceId: string, { id, claim }: ClaimedTask): Link[] {
  if (claim <= 1) return []
  return [{ context: { traceId, spanId: makeDispatchSpanId(traceId, id, claim - 1), traceFlags: TraceFlags.SAMPLED, isRemote: true } }]
}

function recordWait(task: ClaimedTask, parent: Context): void {
  const nowMs = Date.now()
  const startTime = nowMs - task.waitedMs
  const reason = task.deferralClass ?? 'turn'
  recordSpan({ name: 'wait', startTime, attributes: { ...describeTask(task), [SLUICE.waitReason]: reason } }, { atMs: nowMs }, parent)
}

function describeOutcome(span: OtelSpan, value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const { outcome, code, reason, delayMs } = value as ReadOutcome
  if (outcome !== undefined) span.setAttribute(SLUICE.outcome, outcome)
  if (outcome === 'deferred') {
    span.addEvent('deferred', {
      ...(reason !== undefined && { [SLUICE.waitReason]: reason }),
      ...(delayMs !== undefined && { [SLUICE.delayMs]: delayMs }),
    })
  }
  if ((outcome === 'failed' || outcome === 'expired') && code !== undefined) markError(span, code)
}
