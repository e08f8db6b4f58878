import type { ClaimedTask } from '#libs/kernel'

/** Of the object that holds a run's answer. It depends on the run only, so that writing it again is harmless. */
export function makeAnswerName({ tenant, acceptedOn, taskId, run }: Pick<ClaimedTask, 'tenant' | 'acceptedOn' | 'taskId' | 'run'>): string {
  return `${tenant}/${acceptedOn}/${taskId}/${run}.txt`
}
