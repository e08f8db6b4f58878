import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TaskMessage } from '#libs/contracts'
import { ServiceRig, waitUntil, type WorkerProcess } from '#tools/rig'
import type { FaultStage } from '../stage/fault.stage.js'

export interface BarRigOptions {
  readonly name: string
  readonly env?: Readonly<Record<string, string>>
  /** Settings that are files: their contents. */
  readonly files?: Readonly<Record<string, string>>
  /** What the simulator lets this rig's credential have at once. */
  readonly streams: number
}

/** Settings of the service as shipped, but for the task types: theirs let a task be interrupted often. */
const ENV = { TASK_TYPES_DIR: 'test/crash/task-types' } as const

/** A rig for one measurement, with nothing left of it afterwards. */
export async function withBarRig<Result>(
  stage: FaultStage,
  { name, env, files = {}, streams }: BarRigOptions,
  measure: (rig: ServiceRig) => Promise<Result>,
): Promise<Result> {
  await stage.reset()
  const folder = await mkdtemp(join(tmpdir(), 'bar-'))
  const paths = Object.fromEntries(Object.keys(files).map((setting) => [setting, join(folder, `${setting}.yaml`)]))
  await Promise.all(Object.entries(paths).map(([setting, path]) => writeFile(path, files[setting]!)))
  const rig = await ServiceRig.create(stage.servers, {
    name: `bar-${name}`,
    logFolder: stage.logFolder,
    env: { ...ENV, ...env, ...paths },
  })
  try {
    // Looks at the bill read all of it.
    await rig.simulator.request('DELETE', 'bill')
    await rig.simulator.set({ streams: { credentials: { [rig.credential]: streams } } })
    return await measure(rig)
  } finally {
    await rig.close()
    await rm(folder, { recursive: true })
    await stage.reset()
  }
}

const READY_LIMIT_MS = 90_000

/** All at once: on a machine with few cores that takes each of them longer. */
export async function startWorkers(
  rig: ServiceRig,
  count: number,
  env: Readonly<Record<string, string>> = {},
): Promise<[WorkerProcess, ...WorkerProcess[]]> {
  const workers = await Promise.all(Array.from({ length: count }, () => rig.launchWorker(env)))
  await Promise.all(workers.map((worker) => worker.whenReady(READY_LIMIT_MS)))
  return workers as [WorkerProcess, ...WorkerProcess[]]
}

export function makeIds(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`)
}

const BATCH = 500

/** Over all partitions in turn. The simulator knows each by its id and answers after `latencyMs`. */
export async function sendPrompts(
  rig: ServiceRig,
  ids: readonly string[],
  { latencyMs, ...fields }: Partial<TaskMessage> & { readonly latencyMs: number },
): Promise<void> {
  const records = ids.map((id, index) => ({
    topic: rig.topics.names.tasks,
    partition: index % rig.partitions,
    value: { task_id: id, prompt: `[[task:${id}]] [[latency:${latencyMs}]] say something`, ...fields },
  }))
  for (let sent = 0; sent < records.length; sent += BATCH) await rig.producer.send(records.slice(sent, sent + BATCH))
}

/** Resolves when so many runs have ended. */
export async function whenEnded(rig: ServiceRig, count: number, timeoutMs: number): Promise<void> {
  const ended = () => rig.ledger.value<number>('SELECT count(*) FROM run_record')
  await waitUntil(async () => (await ended()) >= count, { what: `the ends of ${count} tasks`, timeoutMs })
}

/** Calls of the model that were made beyond the first of each task, by the provider's bill. */
export async function countRepeats(rig: ServiceRig): Promise<number> {
  const calls = await rig.calls()
  return calls.length - new Set(calls.map(({ tasks }) => tasks[0])).size
}

export function countOpenCalls(rig: ServiceRig): Promise<number> {
  return rig.calls().then((calls) => calls.filter(({ outcome }) => outcome === 'open').length)
}
