import type { Clock, NewTask } from '#libs/kernel'
import { vi } from 'vitest'
import { makeNewTask } from '../factories/new-task.factory.js'
import { makeTaskType } from '../factories/task-type.factory.js'
import { SeededRandom } from '../faults/seeded-random.js'
import { ModelTables } from '../model/model.tables.js'
import { Faults } from './faults.js'
import { findViolations } from './invariants.js'
import { wait } from './replica.fate.js'
import type { OpenSend } from './simulated-llm.client.js'
import { SimulatedReplica, STREAMS, type Cluster } from './simulated.replica.js'
import { SimulatedTopic } from './simulated.topic.js'

const FAULTS_END_MS = 60_000
const QUIET_MS = 240_000
const TASKS = 12
const REPLICAS = 2

const TYPES = [
  makeTaskType({ name: 'prompt', maxAttempts: 4 }),
  makeTaskType({ name: 'ordered', ordering: 'key', maxAttempts: 4 }),
  makeTaskType({ name: 'careful', onMaybePaid: 'fail' }),
]

/**
 * One schedule: tasks come in, replicas die, freeze and start again, the ledger goes away, calls fail, until faults stop; then all must
 * end well. Time and chance are the seed's: the same seed is the same schedule. Returns the violations. Needs vitest's fake timers.
 */
export async function simulate(seed: number): Promise<string[]> {
  vi.setSystemTime(0)
  const random = new SeededRandom(seed)
  vi.spyOn(Math, 'random').mockImplementation(() => random.next())
  const replicas: SimulatedReplica[] = []
  const cluster: Cluster = {
    tables: new ModelTables(),
    clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() } satisfies Clock,
    types: TYPES,
    faults: new Faults(random, FAULTS_END_MS),
    random,
    topic: new SimulatedTopic(),
    sends: [] as OpenSend[],
    announce: () => replicas.forEach(({ model }) => model.announce()),
  }
  for (let index = 0; index < REPLICAS; index++) replicas.push(new SimulatedReplica(cluster))
  const accepted: NewTask[] = []
  void offer(replicas, random, accepted)
  void trouble(replicas, cluster)
  void restart(replicas, cluster)
  await vi.advanceTimersByTimeAsync(FAULTS_END_MS + QUIET_MS)
  vi.clearAllTimers()
  return findViolations({ ...cluster, ...STREAMS, accepted, topic: cluster.topic.values })
}

/** As intake does: in the order of the offsets, each again until it is taken, and now and then a record twice. */
async function offer(replicas: readonly SimulatedReplica[], random: SeededRandom, accepted: NewTask[]): Promise<void> {
  for (let number = 0; number < TASKS; number++) {
    await wait(random.between(0, 4_000))
    const task = makeTask(number, random)
    while (!(await offerOnce(random.pick(replicas), task))) await wait(500)
    accepted.push(task)
    if (random.next() < 0.2) void offerOnce(random.pick(replicas), task)
  }
}

/** false: nobody knows whether it was stored. */
async function offerOnce({ ledger }: SimulatedReplica, task: NewTask): Promise<boolean> {
  const stored = ledger.accept(task).then(
    () => true,
    () => false,
  )
  return Promise.race([stored, wait(3_000).then(() => false)])
}

function makeTask(number: number, random: SeededRandom): NewTask {
  const type = random.pick(TYPES)
  const orderingKey = type.ordering === 'key' ? Buffer.from(random.pick(['k1', 'k2'])) : null
  const source = { topic: 'llm.tasks', partition: 0, offset: BigInt(number) }
  return makeNewTask({ taskId: `task-${number}`, type: type.name, priority: random.between(3, 6), source, key: orderingKey, orderingKey })
}

async function trouble(replicas: readonly SimulatedReplica[], { random, faults }: Cluster): Promise<void> {
  while (!faults.areOver) {
    await wait(random.between(1_000, 15_000))
    const { fate } = random.pick(replicas)
    const kind = faults.areOver ? 'none' : random.pick(['kill', 'freeze', 'ledger'] as const)
    if (kind === 'kill') fate.die()
    if (kind === 'freeze') fate.freeze(random.between(1_000, 30_000))
    if (kind === 'ledger') faults.takeLedgerAway(random.between(500, 20_000))
  }
}

async function restart(replicas: SimulatedReplica[], cluster: Cluster): Promise<void> {
  for (;;) {
    await wait(cluster.random.between(100, 5_000))
    const dead = replicas.findIndex(({ fate }) => fate.isDead)
    if (dead >= 0) replicas[dead] = new SimulatedReplica(cluster)
  }
}
