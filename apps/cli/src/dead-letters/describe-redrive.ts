import type { RedriveRefusal, RedriveStatus } from '#libs/kernel'
import { cleanText, makeTable } from '../print.js'

const WHY: Readonly<Record<RedriveRefusal, string>> = {
  gone: 'retention has taken it',
  id_taken: 'another task has its id by now',
  unfinished: 'another redrive has started it',
  not_failed: 'its last run did not fail',
  ran_since: 'another redrive has run it since, and it failed again',
  late: 'its deadline has passed',
}

export function describeRedrive(status: RedriveStatus): string {
  const { id, state, actor, reason, selection, callAgain, ratePerSecond, createdAt, tasks, tokens } = status
  return [
    `redrive ${id} ${state}: ${describeCounts(status)}`,
    `by ${cleanText(actor)} at ${createdAt.toISOString()}: ${cleanText(reason)}`,
    `${tasks} tasks of ${cleanText(JSON.stringify(selection))}, about ${tokens} tokens, ${ratePerSecond} a second${callAgain ? ', calling again' : ''}`,
    ...status.refusals.map(({ tenant, taskId, refusal }) => `refused ${cleanText(`${taskId} of ${tenant}`)}: ${WHY[refusal]}`),
    ...(state === 'starting' ? [`not all are in the queue: "sluice dead-letters resume ${id}", if nobody is at it`] : []),
  ].join('\n')
}

export function describeRedrives(redrives: readonly RedriveStatus[]): string {
  return makeTable(
    ['REDRIVE', 'STATE', 'CREATED', 'ACTOR', 'TASKS', 'WAITING', 'UNFINISHED', 'SUCCEEDED', 'FAILED', 'REFUSED', 'TAKEN BACK', 'REASON'],
    redrives.map((status) => [
      status.id,
      status.state,
      status.createdAt,
      status.actor,
      status.tasks,
      status.waiting,
      status.unfinished,
      status.succeeded,
      status.failed,
      status.refused,
      status.takenBack,
      status.reason,
    ]),
  )
}

function describeCounts(status: RedriveStatus): string {
  const counts = {
    'to be put into the queue': status.waiting,
    unfinished: status.unfinished,
    succeeded: status.succeeded,
    failed: status.failed,
    expired: status.expired,
    cancelled: status.cancelled,
    refused: status.refused,
    'taken back': status.takenBack,
  }
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
