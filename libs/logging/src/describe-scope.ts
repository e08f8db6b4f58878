import { FIRST_SETTINGS_VERSION } from '#libs/kernel'
import type { LogFields, LogScope } from './log-context.js'

const TRACE_ID = { start: 3, end: 35 }
const SPAN_ID = { start: 36, end: 52 }

/** The fields of a line that is written inside this scope: always a new object, since pino writes into it. Unset ones are left out by JSON. */
export function describeScope(scope: LogScope | undefined): Record<string, unknown> {
  // Of a task those that it has started with; of everything else those of the process.
  if (scope === undefined) return { settings_version: FIRST_SETTINGS_VERSION }
  return { ...describePipeline(scope), ...scope.fields }
}

function describePipeline({ pipeline }: LogScope): { [Name in keyof LogFields]: LogFields[Name] | undefined } {
  if (pipeline === null) return { settings_version: FIRST_SETTINGS_VERSION }
  const { subject, traceparent, correlationId } = pipeline
  return {
    trace_id: traceparent?.slice(TRACE_ID.start, TRACE_ID.end),
    span_id: traceparent?.slice(SPAN_ID.start, SPAN_ID.end),
    correlation_id: correlationId ?? undefined,
    tenant: subject.tenant,
    task_id: subject.taskId,
    task_type: subject.type,
    run: subject.run,
    attempt: subject.attempt,
    topic: subject.topic,
    partition: subject.partition,
    settings_version: subject.settingsVersion ?? FIRST_SETTINGS_VERSION,
  }
}
