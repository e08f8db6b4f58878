import { makeResultEventId } from '#libs/contracts'
import { TaskError, type CancelledEnd, type CancelledTask } from '#libs/kernel'
import { parseStoredMessage } from '../intake/message-parser.js'
import { makeResultEvent, type EndedRun } from './result-event.js'

/** The end of a run that an operator cancels. Why is for the audit only: the producer is told that it was done. */
export function makeCancelledEnd(task: CancelledTask, nowMs: number): CancelledEnd {
  const error = TaskError.invalid('cancelled', 'an operator cancelled the task')
  const metadata = parseStoredMessage(task.payload).message?.metadata
  const run: EndedRun<CancelledTask> = {
    eventId: makeResultEventId(task.tenant, task.taskId, task.run),
    task,
    outcome: 'cancelled',
    error,
    facts: { ...(task.promptVersion !== null && { promptVersion: task.promptVersion }), ...(metadata && { metadata }) },
    attempts: task.attempts,
    traceparent: task.traceparent,
    // It waited to its end.
    claimedAtMs: nowMs,
    finishedAtMs: nowMs,
  }
  return {
    resultEventId: run.eventId,
    makeResultEvent: (keySequence) => makeResultEvent(run, keySequence),
    error: { code: error.code, message: error.message, retryable: error.retryable },
  }
}
