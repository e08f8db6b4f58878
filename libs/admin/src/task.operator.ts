import type {
  CancelledEnd,
  CancelledTask,
  Change,
  NamedTask,
  TaskFilter,
  TaskOperations,
  UnfinishedState,
  UnfinishedTask,
} from '#libs/kernel'
import { checkChange } from './check-change.js'
import { InvalidRequestError } from './invalid-request.error.js'
import type { OperationReport, RefusedTask, TaskName, TaskSelection } from './task-selection.js'

/** An order that changes tasks. With `dryRun` it only tells which. */
export interface TaskOrder {
  readonly selection: TaskSelection
  readonly change: Change
  readonly dryRun?: boolean
}

interface Operation {
  readonly states: readonly UnfinishedState[]
  /** Returns the ids of those that were changed. */
  readonly apply: (ids: readonly number[], change: Change) => Promise<readonly number[]>
}

const CHANGED_MEANWHILE = 'it was being changed at that moment: look at it, and try again'

/**
 * What an operator does to unfinished tasks. Whatever is asked, a task is changed only in a state that allows it, and each change is audited
 * in its own transaction: an order that breaks off halfway has done what its report would have said, and can be given again.
 */
export class TaskOperator {
  constructor(
    private readonly operations: TaskOperations,
    private readonly makeCancelledEnd: (task: CancelledTask) => CancelledEnd,
  ) {}

  /** Oldest first. */
  list(filter: TaskFilter, limit: number): Promise<UnfinishedTask[]> {
    return this.operations.list(filter, limit)
  }

  cancel(order: TaskOrder): Promise<OperationReport> {
    return this.execute(order, { states: ['pending', 'held'], apply: (ids, change) => this.cancelEach(ids, change) })
  }

  /** To a time, or to now (null). */
  move(order: TaskOrder, runAt: Date | null): Promise<OperationReport> {
    return this.execute(order, { states: ['pending'], apply: (ids, change) => this.operations.move(ids, runAt, change) })
  }

  release(order: TaskOrder): Promise<OperationReport> {
    return this.execute(order, { states: ['held'], apply: (ids, change) => this.operations.release(ids, change) })
  }

  private async execute({ selection, change, dryRun = false }: TaskOrder, { states, apply }: Operation): Promise<OperationReport> {
    const checked = dryRun ? change : checkChange(change)
    const { matching, tasks, refused, unknown } = await this.choose(selection, states)
    if (dryRun) return { dryRun, matching, tasks: tasks.map(nameOf), refused, unknown }
    const done = new Set(
      tasks.length === 0
        ? []
        : await apply(
            tasks.map(({ id }) => id),
            checked,
          ),
    )
    const missed = tasks.filter(({ id }) => !done.has(id)).map((task) => ({ ...nameOf(task), why: CHANGED_MEANWHILE }))
    return { dryRun, matching, tasks: tasks.filter(({ id }) => done.has(id)).map(nameOf), refused: [...refused, ...missed], unknown }
  }

  private choose(selection: TaskSelection, states: readonly UnfinishedState[]): Promise<Choice> {
    return selection.kind === 'ids' ? this.chooseNamed(selection, states) : this.chooseMatching(selection, states)
  }

  private async chooseNamed(
    { tenant, taskIds }: Extract<TaskSelection, { kind: 'ids' }>,
    states: readonly UnfinishedState[],
  ): Promise<Choice> {
    if (taskIds.length === 0) throw new InvalidRequestError('name at least one task')
    const named = await this.operations.find(tenant, [...new Set(taskIds)])
    const tasks = named.flatMap(({ task }) => (task && states.includes(task.state) ? [task] : []))
    return {
      matching: tasks.length,
      tasks,
      refused: named.flatMap((found) => explain(found, { tenant, states })),
      unknown: named.filter(({ task, outcome }) => task === null && outcome === null).map(({ taskId }) => ({ tenant, taskId })),
    }
  }

  private async chooseMatching(
    { filter, limit }: Extract<TaskSelection, { kind: 'filter' }>,
    states: readonly UnfinishedState[],
  ): Promise<Choice> {
    if (Object.values(filter).every((value) => value === undefined)) {
      throw new InvalidRequestError('name tasks, or say which by at least one of state, tenant, type, reason and age')
    }
    const wrong = filter.states?.find((state) => !states.includes(state))
    if (wrong !== undefined) throw new InvalidRequestError(`state must be ${states.join(' or ')} here (got ${wrong})`)
    const wanted = { ...filter, states: filter.states ?? states }
    const [matching, tasks] = await Promise.all([this.operations.count(wanted), this.operations.list(wanted, limit)])
    return { matching, tasks, refused: [], unknown: [] }
  }

  private async cancelEach(ids: readonly number[], change: Change): Promise<readonly number[]> {
    const done: number[] = []
    for (const id of ids) if (await this.operations.cancel(id, this.makeCancelledEnd, change)) done.push(id)
    return done
  }
}

interface Choice extends Pick<OperationReport, 'matching' | 'refused' | 'unknown'> {
  readonly tasks: readonly UnfinishedTask[]
}

function explain(
  { taskId, task, outcome }: NamedTask,
  { tenant, states }: { readonly tenant: string; readonly states: readonly UnfinishedState[] },
): RefusedTask[] {
  if (outcome !== null) return [{ tenant, taskId, why: `its run has ended: ${outcome}` }]
  if (task === null || states.includes(task.state)) return []
  return [{ tenant, taskId, why: `it is ${task.state}, not ${states.join(' or ')}: ${ADVICE[task.state]}` }]
}

const ADVICE: Readonly<Record<UnfinishedState, string>> = {
  running: 'its worker has it, and a call may be under way. Wait for its end, or until it is put back',
  pending: 'it runs by itself when it is due',
  held: 'release or cancel it',
}

function nameOf({ tenant, taskId }: UnfinishedTask): TaskName {
  return { tenant, taskId }
}
