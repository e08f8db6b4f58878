import { createHash } from 'node:crypto'
import type { DeadLetterEvent, Outcome, ResultEvent } from '#libs/contracts'
import { makeDeadLetterEventId } from '#libs/contracts'
import { describeCauses, type ClaimedTask, type TaskError } from '#libs/kernel'
import { parseTraceParent } from '#libs/tracing'
import type { RunFacts, RunOutput } from '../pipeline/verdict.js'
import { makeOriginalFields } from './original-fields.js'

/** Below Kafka's default of 1 MiB for a record, with room for its key and headers. */
const MAX_EVENT_BYTES = 900 * 1_024
const FINGERPRINT_CHARS = 16

/** As much of a task as its result event tells. */
type ResultSubject = Pick<ClaimedTask, 'tenant' | 'taskId' | 'run' | 'type' | 'settingsVersion' | 'acceptedAtMs' | 'correlationId'>

export interface EndedRun<T extends ResultSubject = ClaimedTask> {
  readonly eventId: string
  readonly task: T
  readonly outcome: Outcome
  readonly output?: RunOutput
  readonly error?: TaskError
  readonly facts: RunFacts
  readonly attempts: number
  readonly traceparent: string | null
  readonly finishedAtMs: number
  readonly claimedAtMs: number
}

export function makeResultEvent(run: EndedRun<ResultSubject>, keySequence: number | undefined): Buffer {
  const { task, facts, output, error } = run
  const event: ResultEvent = {
    event_id: run.eventId,
    tenant: task.tenant,
    task_id: task.taskId,
    run: task.run,
    type: task.type,
    outcome: run.outcome,
    ...(output && makeOutputFields(output)),
    ...(facts.answer && { model: facts.answer.model, finish_reason: facts.answer.finishReason }),
    ...(facts.answer?.usage && { usage: facts.answer.usage }),
    attempts: run.attempts,
    ...(error && { error: { code: error.code, message: error.message, retryable: error.retryable } }),
    versions: { settings: task.settingsVersion, ...(facts.promptVersion !== undefined && { prompt: facts.promptVersion }) },
    timings: {
      accepted_at: new Date(task.acceptedAtMs).toISOString(),
      finished_at: new Date(run.finishedAtMs).toISOString(),
      waiting_ms: Math.max(0, Math.round(run.claimedAtMs - task.acceptedAtMs)),
      ...(facts.answer && { llm_ms: Math.round(facts.answer.llmMs) }),
      total_ms: Math.max(0, Math.round(run.finishedAtMs - task.acceptedAtMs)),
    },
    ...makeTraceFields(run.traceparent),
    ...(task.correlationId !== null && { correlation_id: task.correlationId }),
    ...(facts.metadata && { metadata: facts.metadata }),
    ...(keySequence !== undefined && { key_sequence: keySequence }),
  }
  return makeFitting(event)
}

/** Metadata is the producer's own: where it would make the record too large for its topic, it is left out rather than the result. */
function makeFitting(event: ResultEvent): Buffer {
  const bytes = Buffer.from(JSON.stringify(event))
  if (bytes.length <= MAX_EVENT_BYTES || event.metadata === undefined) return bytes
  const { metadata: _, ...rest } = event
  return Buffer.from(JSON.stringify(rest))
}

function makeOutputFields(output: RunOutput): Pick<ResultEvent, 'output' | 'output_ref'> {
  if (output.outputRef) return { output_ref: output.outputRef }
  return { output: { text: output.text ?? '', ...(output.json !== undefined && { json: output.json }) } }
}

function makeTraceFields(traceparent: string | null): { trace_id?: string } {
  const trace = parseTraceParent(traceparent)
  return trace ? { trace_id: trace.traceId } : {}
}

/** The dead letter of a failed run. */
export function makeDeadLetter(run: EndedRun & { readonly error: TaskError }): { eventId: string; value: Buffer } {
  const { task, error } = run
  const { topic, partition, offset } = task.source
  const eventId = makeDeadLetterEventId(task.tenant, task.taskId, task.run)
  const event: DeadLetterEvent = {
    event_id: eventId,
    kind: 'failed',
    source: { topic, partition, offset: String(offset), ...(task.key && { key: task.key.toString('base64') }) },
    tenant: task.tenant,
    task_id: task.taskId,
    run: task.run,
    error: {
      code: error.code,
      message: error.message,
      fingerprint: makeFingerprint(error, task.type),
      causes: describeCauses(error.cause),
    },
    attempts: run.attempts,
    ...makeOriginalFields(Buffer.from(task.payload), { table: 'task', accepted_on: task.acceptedOn, id: task.id }),
    ...makeTraceFields(run.traceparent),
    at: new Date(run.finishedAtMs).toISOString(),
  }
  return { eventId, value: Buffer.from(JSON.stringify(event)) }
}

/** The same for errors that differ only in numbers, ids and quoted values: what an operator repairs together. */
export function makeFingerprint(error: TaskError, type: string): string {
  const pattern = error.message
    .replaceAll(/"[^"]*"/g, '"…"')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '#')
    .replaceAll(/\d+/g, '#')
  return createHash('sha256').update(`${type}\n${error.code}\n${pattern}`).digest('hex').slice(0, FINGERPRINT_CHARS)
}
