import { makeDeadLetterEventId, makeResultEventId } from '#libs/contracts'
import type { ClaimedTask, RunEnd } from '#libs/kernel'

/** The end of a claimed task's run. Its result event says the number inside its key. */
export function makeRunEnd(task: ClaimedTask, fields: Partial<RunEnd> = {}): RunEnd {
  return {
    task,
    outcome: 'succeeded',
    attempts: task.attempts,
    resultEventId: makeResultEventId(task.tenant, task.taskId, task.run),
    makeResultEvent: (keySequence) =>
      Buffer.from(JSON.stringify({ task_id: task.taskId, outcome: fields.outcome ?? 'succeeded', key_sequence: keySequence })),
    sizeBytes: 2_048,
    ...fields,
  }
}

/** As `makeRunEnd`, with an error and a dead letter. */
export function makeFailedEnd(task: ClaimedTask, fields: Partial<RunEnd> = {}): RunEnd {
  return makeRunEnd(task, {
    outcome: 'failed',
    error: { code: 'llm_bad_request', message: 'the provider refused it', retryable: false, fingerprint: 'f00d' },
    deadLetter: { eventId: makeDeadLetterEventId(task.tenant, task.taskId, task.run), value: Buffer.from('{"kind":"failed"}') },
    ...fields,
  })
}
