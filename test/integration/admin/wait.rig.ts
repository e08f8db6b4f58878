import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WaitOperator, type TaskExplanation } from '#libs/admin'
import { AdmissionEvents, admissionSettings, createAdmission, createLaneGates, type AdmissionParts } from '#libs/admission'
import type { ClaimedTask, NewTask } from '#libs/kernel'
import { expect, onTestFinished } from 'vitest'
import { PostgresAdmissionStore } from '../../../libs/db/src/admission/postgres-admission.store.js'
import { connectOperators } from '../../../libs/db/src/operators/connect-operators.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeTemporaryFolder } from '../../factories/temporary-folder.factory.js'
import { FakeClock } from '../../fakes/fake.clock.js'
import { createLedgerDatabase, makeDbSettings, type TestDatabase } from '../db/test-database.js'
import { openReplica, type TestReplica } from '../db/test-replica.js'

/** A worker whose admission decides as in production, but looks only when a claim is made. */
export interface Worker extends TestReplica {
  readonly parts: AdmissionParts
  readonly store: PostgresAdmissionStore
  /** Of its admission. */
  readonly clock: FakeClock
  /** Looks, claims what it may, and tells the others what it uses. */
  claim(tasks?: number): Promise<ClaimedTask[]>
  /** A call of this task has ended. */
  end(task: ClaimedTask): Promise<void>
}

export interface WaitRig {
  readonly database: TestDatabase
  /** The path of LIMITS_FILE. */
  readonly limitsFile: string
  readonly worker: Worker
  readonly operator: WaitOperator
  openWorker(): Promise<Worker>
  accept(fields: Partial<NewTask>): Promise<void>
  why(taskId: string): Promise<TaskExplanation>
}

export interface WaitRigOptions {
  /** As in LIMITS_FILE. */
  readonly limits?: string
  readonly maxStreams?: number
}

export async function openWaitRig({ limits = '{}', maxStreams = 10 }: WaitRigOptions = {}): Promise<WaitRig> {
  const database = await createLedgerDatabase()
  const limitsFile = join(makeTemporaryFolder(), 'limits.yaml')
  writeFileSync(limitsFile, limits)
  const settings = admissionSettings.parse({ LIMITS_FILE: limitsFile })
  const openWorker = () => startWorker(database, settings, maxStreams)
  const ports = connectOperators(makeDbSettings(database.url))
  onTestFinished(() => ports[Symbol.asyncDispose]())
  const operator = new WaitOperator(ports.waits, ports.limits, createLaneGates({ ...settings, maxStreams }))
  const worker = await openWorker()
  return {
    database,
    limitsFile,
    worker,
    operator,
    openWorker,
    accept: async (fields) => void (await worker.ledger.accept(makeNewTask(fields))),
    why: (taskId) => operator.explain('default', taskId),
  }
}

async function startWorker(
  database: TestDatabase,
  settings: ReturnType<typeof admissionSettings.parse>,
  maxStreams: number,
): Promise<Worker> {
  const replica = await openReplica(database, { leaseMs: 600_000 })
  const events = new AdmissionEvents()
  const clock = new FakeClock(Date.now())
  events.on('failed', (error) => expect.fail(`PostgreSQL refused: ${String(error)}`))
  const { store } = replica
  const parts = createAdmission(store, clock, events, settings, { maxStreams, providers: ['gigachat'] })
  const { admission, gates, breakers } = parts
  const balance = async () => {
    gates.apply(await store.balance(gates.makeDemands(store.leaseId, admission.wanting), (state) => gates.decide(state)))
  }
  const claim = async (count = 10) => {
    admission.notice(await store.listDueLanes())
    await breakers.refresh()
    await balance()
    const room = admission.takeRoom(count)
    const tasks = room.tasks === 0 ? [] : await replica.ledger.claim(room)
    admission.settleRoom(room, tasks)
    await balance()
    return tasks
  }
  const end = async (task: ClaimedTask) => {
    admission.release(task, { heldMs: 1, call: { kind: 'answered' } })
    await balance()
  }
  return { ...replica, parts, clock, claim, end }
}
