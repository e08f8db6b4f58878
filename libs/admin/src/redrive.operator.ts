import type { Change, RedriveCandidate, RedriveProgress, Redrives, RedriveScope, RedriveStatus } from '#libs/kernel'
import { checkChange } from './check-change.js'
import { InvalidRequestError } from './invalid-request.error.js'
import type { CreatedRedrive, RedrivePreview, RedriveRequest, RedriveSelection } from './redrive-request.js'
import type { RefusedTask } from './task-selection.js'

/** Tasks of one transaction: each holds the id of its task for some milliseconds. */
const CHUNK = 200
const MAX_RATE = 10_000

/**
 * Redrives of dead letters: run n+1 of tasks whose last run failed.
 *
 * create (the tasks are chosen and written down) -> run (they are put into the queue chunk by chunk, each with a time of its own) -> started
 * A run that breaks off is resumed by another one. stop ends it at any point, also while another process runs it, and takes back what no
 * worker has claimed.
 */
export class RedriveOperator {
  constructor(private readonly redrives: Redrives) {}

  async preview({ selection, limits, ratePerSecond }: Omit<RedriveRequest, 'change'>): Promise<RedrivePreview> {
    checkLimits({ ...limits, ratePerSecond })
    const { scope, refused, unknown } = await this.resolve(selection, limits.callAgain)
    return { ...(await this.redrives.plan(scope, limits)), refused, unknown }
  }

  async create({ selection, limits, ratePerSecond, change }: RedriveRequest): Promise<CreatedRedrive> {
    checkLimits({ ...limits, ratePerSecond })
    const checked = checkChange(change)
    const { scope, refused, unknown } = await this.resolve(selection, limits.callAgain)
    const plan = await this.redrives.plan(scope, limits)
    const id = await this.redrives.create({ scope, limits, ratePerSecond, change: checked, selection: describe(selection) })
    return { id, ...plan, refused, unknown }
  }

  /**
   * Puts what is waiting into the queue, also where another process began. null: there is no such redrive. An abort leaves it resumable, and
   * ends with the signal's reason.
   */
  async run(id: number, onProgress: (progress: RedriveProgress) => void, signal?: AbortSignal): Promise<RedriveProgress | null> {
    for (let started = 0, refused = 0; ;) {
      signal?.throwIfAborted()
      const step = await this.redrives.startNext(id, CHUNK)
      if (step === null) return null
      started += step.started
      refused += step.refused
      const progress = { ...step, started, refused }
      onProgress(progress)
      if (step.state !== 'starting') return progress
    }
  }

  /** Returns how many tasks were taken back; null: there is no such redrive. May be repeated. */
  stop(id: number, change: Change): Promise<number | null> {
    return this.redrives.stop(id, checkChange(change))
  }

  status(id: number): Promise<RedriveStatus | null> {
    return this.redrives.status(id)
  }

  /** The last ones first. */
  list(limit: number): Promise<RedriveStatus[]> {
    return this.redrives.list(limit)
  }

  private async resolve(selection: RedriveSelection, callAgain: boolean): Promise<Resolved> {
    if (selection.kind === 'filter') {
      if (Object.values(selection.filter).every((value) => value === undefined)) {
        throw new InvalidRequestError('name tasks, or say which by at least one of fingerprint, code, tenant, type and time')
      }
      return { scope: selection, refused: [], unknown: [] }
    }
    const { tenant, taskIds } = selection
    if (taskIds.length === 0) throw new InvalidRequestError('name at least one task')
    const found = await this.redrives.find(tenant, [...new Set(taskIds)])
    const refused = found.flatMap((candidate) => explain(candidate, { tenant, callAgain }))
    const unfit = new Set(refused.map(({ taskId }) => taskId))
    return {
      scope: { kind: 'tasks', tasks: found.flatMap(({ taskId, place }) => (place === null || unfit.has(taskId) ? [] : [place])) },
      refused,
      unknown: found.filter(({ place }) => place === null).map(({ taskId }) => ({ tenant, taskId })),
    }
  }
}

interface Resolved extends Pick<RedrivePreview, 'refused' | 'unknown'> {
  readonly scope: RedriveScope
}

function explain(
  { taskId, place, now, isLate, isAnswered }: RedriveCandidate,
  { tenant, callAgain }: { readonly tenant: string; readonly callAgain: boolean },
): RefusedTask[] {
  if (place === null) return []
  const why = ((): string | undefined => {
    switch (now) {
      case 'pending':
      case 'running':
      case 'held':
        return `its run has not ended: it is ${now} (sluice tasks get)`
      case 'failed':
        return isLate && (callAgain || !isAnswered) ? 'its deadline has passed: its producer must send it again under a new id' : undefined
      case 'succeeded':
      case 'cancelled':
      case 'expired':
      case null:
        return `its last run did not fail: ${now ?? 'it has no end'}. Only dead letters are redriven`
    }
  })()
  return why === undefined ? [] : [{ tenant, taskId, why }]
}

function checkLimits({ maxTasks, maxTokens, ratePerSecond }: RedriveRequest['limits'] & Pick<RedriveRequest, 'ratePerSecond'>): void {
  if (!Number.isSafeInteger(maxTasks) || maxTasks < 1) throw new InvalidRequestError(`maxTasks must be at least 1 (got ${maxTasks})`)
  if (maxTokens !== undefined && !(maxTokens >= 0)) throw new InvalidRequestError(`maxTokens must be at least 0 (got ${maxTokens})`)
  if (!(ratePerSecond > 0 && ratePerSecond <= MAX_RATE))
    throw new InvalidRequestError(`ratePerSecond must be above 0 and at most ${MAX_RATE} (got ${ratePerSecond})`)
}

function describe(selection: RedriveSelection): Readonly<Record<string, unknown>> {
  return selection.kind === 'filter' ? { ...selection.filter } : { tenant: selection.tenant, task_ids: selection.taskIds }
}
