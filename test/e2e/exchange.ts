import type { DeadLetterEvent, ResultEvent, TaskMessage } from '#libs/contracts'
import type { BilledCall, ServiceRig } from '#tools/rig'

/** Sends tasks one after the other to one partition. */
export async function send(rig: ServiceRig, tasks: readonly TaskMessage[], options: { readonly key?: string } = {}): Promise<void> {
  await rig.producer.send(tasks.map((value) => ({ topic: rig.topics.names.tasks, partition: 0, value, ...options })))
}

/** The result of each task, in the order of the ids. */
export async function waitForResults(rig: ServiceRig, taskIds: readonly string[], timeoutMs = 20_000): Promise<ResultEvent[]> {
  const collector = await rig.results()
  const find = (id: string) => collector.events.find(({ value }) => value.task_id === id)?.value
  await collector.waitFor(() => taskIds.every((id) => find(id)), { what: `the results of ${taskIds.join(', ')}`, timeoutMs })
  return taskIds.map((id) => find(id)!)
}

/** Sends tasks and waits for their results. */
export async function ask(rig: ServiceRig, ...tasks: readonly TaskMessage[]): Promise<ResultEvent[]> {
  await send(rig, tasks)
  return waitForResults(
    rig,
    tasks.map(({ task_id: id }) => id),
  )
}

export async function waitForDeadLetter(
  rig: ServiceRig,
  matches: (event: DeadLetterEvent) => boolean,
  what: string,
): Promise<DeadLetterEvent> {
  const collector = await rig.deadLetters()
  await collector.waitFor((events) => events.some(({ value }) => matches(value)), { what })
  return collector.events.find(({ value }) => matches(value))!.value
}

/** The calls for one task, oldest first. */
export async function callsOf(rig: ServiceRig, taskId: string): Promise<BilledCall[]> {
  const calls = await rig.calls()
  return calls.filter(({ tasks }) => tasks.includes(taskId))
}

export interface AttemptFacts {
  readonly number: number
  readonly state: string
  readonly counted: boolean
  readonly error_code: string | null
}

/** The attempts of one task, oldest first. */
export function attemptsOf({ ledger }: ServiceRig, taskId: string): Promise<AttemptFacts[]> {
  return ledger.rows<AttemptFacts>(
    `SELECT a.number, a.state, a.counted, a.error_code FROM attempt a JOIN task t ON t.id = a.task_number WHERE t.task_id = $1 ORDER BY a.number`,
    [taskId],
  )
}

export interface QueueFacts {
  readonly state: string
  readonly reason: string | null
  readonly attempts: number
  readonly maybe_paid: number
}

/** Where an unfinished task is; undefined when it has ended. */
export async function queuedOf({ ledger }: ServiceRig, taskId: string): Promise<QueueFacts | undefined> {
  const [row] = await ledger.rows<QueueFacts>(
    `SELECT q.state, q.reason, q.attempts, q.maybe_paid FROM task_queue q JOIN task t ON t.id = q.id WHERE t.task_id = $1`,
    [taskId],
  )
  return row
}
