import { TaskError, type AttemptEnd, type ClaimedTask } from '#libs/kernel'

/** The end of the task's open attempt without an answer: a 500 of the provider unless the fields say otherwise. */
export function makeAttemptEnd(task: Pick<ClaimedTask, 'attempt'>, fields: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    attemptId: task.attempt!.id,
    state: 'refused',
    error: TaskError.unavailable('llm_server_error', 'the provider answered 500'),
    ...fields,
  }
}
