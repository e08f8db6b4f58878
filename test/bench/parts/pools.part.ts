import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { makeRunEnd } from '../../factories/run-end.factory.js'
import { makeAnswer } from '../../factories/answer.factory.js'
import { median } from '../measure/quantiles.js'
import { openLedger } from './open-ledger.js'
import type { Part } from './part.js'

const SIZES = [2, 4, 6, 8, 10, 16, 24]
const ROUNDS = 3
const SECONDS = 3
const AT_ONCE = 500

/** Throughput of the ledger's statements (accept, claim, answer, finish, outbox) by the size of the pool: what DATABASE_POOL_SIZE should be. */
export const poolsPart: Part = {
  name: 'pools',
  bar: 'none: the curve from which DATABASE_POOL_SIZE was chosen',
  async measure(stack, say) {
    const rates = new Map(SIZES.map((size) => [size, [] as number[]]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const size of SIZES) {
        await using open = await openLedger(stack, `bench_pool_${round}_${size}`, { DATABASE_POOL_SIZE: String(size) })
        rates.get(size)!.push(await countTasks(open.ledger))
        say(`pools: ${size} connections, round ${round + 1}: ${rates.get(size)!.at(-1)!.toFixed(0)} tasks/s`)
      }
    }
    const medians = SIZES.map((size) => [size, median(rates.get(size)!)] as const)
    return {
      lines: [medians.map(([size, rate]) => `${size}: ${rate.toFixed(0)}`).join(', ') + ' tasks/s'],
      holds: undefined,
      figures: Object.fromEntries(medians.map(([size, rate]) => [`pool_${size}`, Math.round(rate)])),
    }
  },
}

async function countTasks(ledger: Awaited<ReturnType<typeof openLedger>>['ledger']): Promise<number> {
  const until = performance.now() + SECONDS * 1_000
  let done = 0
  const work = async () => {
    while (performance.now() < until) {
      await Promise.all(Array.from({ length: AT_ONCE / 2 }, () => ledger.accept(makeNewTask({ taskId: `pool-${done}-${Math.random()}` }))))
      const tasks = await ledger.claim(makeClaimRoom(AT_ONCE / 2))
      await Promise.all(
        tasks.map(async (task) => {
          await ledger.recordAnswer(task, task.attempt!, makeAnswer())
          const result = await ledger.finish(makeRunEnd(task))
          if (result.kind === 'finished') await ledger.markPublished(result.outbox.map(({ id }) => id))
        }),
      )
      done += tasks.length
    }
  }
  const startedMs = performance.now()
  await Promise.all([work(), work()])
  return done / ((performance.now() - startedMs) / 1_000)
}
