import type { TaskExplanation } from '#libs/admin'
import { TaskWaits } from '#libs/kernel'

const PHASES = {
  calling: 'a call is under way',
  finishing: 'its answer has come, and it is being finished',
  preparing: 'no call of it is under way: its files are read, it waits for a stream, or it is being put back',
}

/** One line. */
export function describeState(explanation: Exclude<TaskExplanation, { state: 'unknown' }>): string {
  switch (explanation.state) {
    case 'finished': {
      const { run, outcome, finishedAt, errorCode } = explanation
      return `finished: run ${run} ${outcome} at ${finishedAt.toISOString()}${errorCode === null ? '' : ` (${errorCode})`}`
    }
    case 'running': {
      const { task, phase, since, attempt, lease } = explanation
      const where = lease ? `by ${lease.worker} under lease ${lease.id}` : 'by nobody'
      const call = since === null ? '' : ` since ${since.toISOString()}`
      return `running ${where}: run ${task.run}${attempt ? `, attempt ${attempt.number}` : ''}, ${PHASES[phase]}${call}`
    }
    case 'waiting':
      return `waiting since ${explanation.task.acceptedAt.toISOString()}: ${describeTask(explanation)}`
    case 'due': {
      const { task, before } = explanation
      const others = `${describeCount(before.ofOthers)} of other lanes share the streams of ${task.lane.provider}`
      return `due since ${task.runAt.toISOString()}, nothing that was looked at holds it back: ${describeTask(explanation)}; ${describeCount(before.ofLane)} due tasks of its lane go before it, ${others}`
    }
  }
}

function describeTask({ task }: Extract<TaskExplanation, { state: 'waiting' | 'due' }>): string {
  return `${task.lane.provider} ${task.lane.model}, priority ${task.priority}, run ${task.run}`
}

function describeCount(count: number): string {
  return count >= TaskWaits.MAX_COUNTED ? `${TaskWaits.MAX_COUNTED} or more` : String(count)
}
