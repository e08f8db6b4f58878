import type { ClaimedTask } from '#libs/kernel'

/** Of the object that holds a run's answer. It depends on the run only, so that writing it again is harmless. */
export function makeAnswerName({ tenant, acceptedOn, taskId, run }: Pick<ClaimedTask, 'tenant' | 'acceptedOn' | 'taskId' | 'run'>): string {
  return `${makeSegment(tenant)}/${acceptedOn}/${makeSegment(taskId)}/${run}.txt`
}

/** `.` and `..` mean something else between slashes. The messages' schema refuses both, but a paid answer must not hang on that alone. */
function makeSegment(name: string): string {
  return name === '.' || name === '..' ? `~${name}` : name
}
