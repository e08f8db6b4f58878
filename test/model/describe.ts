import type { ClaimedTask, OutboxMessage } from '#libs/kernel'

/** All that a claim says, but for what two ledgers cannot have in common: ids and times. */
export function describeClaim(task: ClaimedTask): string {
  const {
    taskId,
    run,
    claim,
    attempts,
    maybePaid,
    crashes,
    deferralClass,
    deferrals,
    freeAttemptUsed,
    promptVersion,
    attempt,
    storedAnswer,
  } = task
  const { payload, priority, hasFiles, orderingKey, source } = task
  const fields = {
    run,
    claim,
    attempts,
    maybePaid,
    crashes,
    deferralClass,
    deferrals,
    freeAttemptUsed,
    promptVersion,
    payload,
    priority,
    hasFiles,
  }
  const names = { key: orderingKey?.toString() ?? null, offset: source.offset.toString(), attempt: attempt?.number ?? null }
  return JSON.stringify([taskId, fields, names, storedAnswer && [storedAnswer.attemptNumber, storedAnswer.body.toString()]])
}

export function describeMessage({ channel, eventId, key, value }: OutboxMessage): string {
  return `${channel} ${eventId} ${key?.toString() ?? '-'} ${value.toString()}`
}
