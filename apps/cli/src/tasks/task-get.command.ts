import type { Environment } from '#libs/config'
import { dbSettings, TaskReader, type TaskHistory } from '#libs/db'
import { EXIT_NOT_FOUND } from '../exit-codes.js'

export interface TaskGetOptions {
  readonly tenant: string
  readonly output: 'table' | 'json'
}

export async function runTaskGet(taskId: string, { tenant, output }: TaskGetOptions, env: Environment): Promise<void> {
  await using reader = await TaskReader.connect(dbSettings.parse(env).directUrl)
  const history = await reader.find(tenant, taskId)
  if (history === null) {
    process.stderr.write(`no task ${taskId} of tenant ${tenant}\n`)
    process.exitCode = EXIT_NOT_FOUND
    return
  }
  process.stdout.write(`${output === 'json' ? JSON.stringify(history) : describeTask(history)}\n`)
}

function describeTask({ task, queue, attempts, runs }: TaskHistory): string {
  return [
    `${task.taskId} of ${task.tenant}: type ${task.type}, ${task.provider} ${task.model}, priority ${task.priority}`,
    `accepted ${task.acceptedAt.toISOString()} from ${task.topic} partition ${task.partition} offset ${task.offset}`,
    ...(queue ? [describeQueue(queue)] : []),
    ...attempts.map(
      (attempt) =>
        `run ${attempt.run} attempt ${attempt.number}: ${attempt.state}${attempt.errorCode === null ? '' : ` (${attempt.errorCode})`} ` +
        `${attempt.openedAt.toISOString()} to ${attempt.endedAt?.toISOString() ?? '...'} as ${attempt.id}`,
    ),
    ...runs.map(
      (run) =>
        `run ${run.run} ${run.outcome} ${run.finishedAt.toISOString()} after ${run.attempts} attempts` +
        (run.errorCode === null
          ? `, ${run.promptTokens ?? 0} + ${run.completionTokens ?? 0} tokens`
          : `: ${run.errorCode}: ${run.errorMessage}`),
    ),
  ].join('\n')
}

/** A parked one is due much later, unless it is let out before. */
function describeSuspicion({ suspectSince, deaths }: NonNullable<TaskHistory['queue']>): string {
  if (suspectSince === null) return ''
  return `, or earlier: ${deaths} of its workers died in a row, and such tasks run apart (since ${suspectSince.toISOString()})`
}

function describeQueue(queue: NonNullable<TaskHistory['queue']>): string {
  const counts = `${queue.attempts} attempts counted, ${queue.maybePaid} maybe paid, ${queue.crashes} crashes`
  if (queue.state === 'running') return `running under lease ${queue.leaseId}; run ${queue.run}, ${counts}`
  const wait = queue.deferralClass === null ? '' : `, deferred ${queue.deferrals} times in a row as ${queue.deferralClass}`
  const why = queue.reason ?? (queue.isHead ? 'free streams' : 'an earlier task of its key')
  return `${queue.state} since its last change, waits for ${why}, due ${queue.runAt.toISOString()}${wait}${describeSuspicion(queue)}; run ${queue.run}, ${counts}`
}
