import { classifyError, type ClaimedTask, type InstantClaimer, type OutboxMessage } from '#libs/kernel'
import { makeAnswer } from '../factories/answer.factory.js'
import { makeClaimRoom } from '../factories/claim-room.factory.js'
import { makeAttemptEnd } from '../factories/attempt-end.factory.js'
import { makeTestRejection } from '../factories/rejection.factory.js'
import { makeFailedEnd, makeRunEnd } from '../factories/run-end.factory.js'
import { makeCastTask } from './cast.js'
import { describeClaim, describeMessage } from './describe.js'
import type { EndState, LedgerStep, OfferedRecord } from './ledger.step.js'
import type { Holding, LedgerWorld, WorldReplica } from './ledger.world.js'
import { canAnswer, canOpen, canFinish, findHolding } from './pick-holding.js'

const HOUR_MS = 3_600_000

/** What the step of one kind is given. */
type StepOf<K extends LedgerStep['do']> = Extract<LedgerStep, { do: K }>

/** Lets a step happen in a world; returns what could be seen of it. An error is seen as its code. */
export async function runStep(world: LedgerWorld, step: LedgerStep): Promise<unknown> {
  world.tick()
  try {
    return (await act(world, step)) ?? 'done'
  } catch (thrown) {
    return { error: classifyError(thrown).code }
  }
}

function act(world: LedgerWorld, step: LedgerStep): Promise<unknown> {
  switch (step.do) {
    case 'accept':
      return accept(world, step)
    case 'reject':
      return reject(world, step)
    case 'claim':
      return claim(world, step)
    case 'open':
      return open(findHolding(world, step.pick, canOpen)!, step)
    case 'answer':
      return answer(findHolding(world, step.pick, canAnswer)!, step)
    case 'finish':
      return finish(world, step)
    case 'defer':
      return defer(findHolding(world, step.pick)!, step)
    case 'hold':
      return hold(findHolding(world, step.pick)!, step)
    case 'publish':
      return world.replica(step.on).ledger.markPublished(world.messages.splice(0, step.count).map(({ id }) => id))
    case 'sweep':
      return sweep(world, step)
    case 'age messages':
      return world.ageMessages()
    case 'make due':
      return world.makeDue()
    case 'expire':
      return world.expire(step.on)
    case 'renew':
      return world.renew(step.on)
    case 'reap':
      return world.reap(step.on)
    case 'stop':
      return world.stop(step.on)
    case 'kill':
      return world.kill(step.on)
  }
}

async function accept(world: LedgerWorld, { on, records, room, lost }: StepOf<'accept'>): Promise<unknown> {
  const replica = world.replica(on)
  const started: ClaimedTask[] = []
  const claimer = makeClaimer(room, started)
  const stopClaims = replica.ledger.claimAtAccept(claimer)
  if (lost) replica.lose()
  const results = await Promise.allSettled(records.map((record: OfferedRecord) => replica.ledger.accept(makeCastTask(record))))
  await stopClaims()
  remember(world, replica, started)
  return {
    results: results.map((result) => (result.status === 'fulfilled' ? result.value : classifyError(result.reason).code)),
    started: started.map(describeClaim).toSorted(),
  }
}

function makeClaimer(room: number, started: ClaimedTask[]): InstantClaimer {
  return {
    takeRoomFor: (lanes) => makeClaimRoom(Math.min(lanes.length, room), { kind: 'accepted' }),
    start: (_, tasks = []) => void started.push(...tasks),
  }
}

async function reject(world: LedgerWorld, { on, offset }: StepOf<'reject'>): Promise<unknown> {
  const source = { topic: 'llm.tasks', partition: 1, offset: BigInt(offset) }
  return show(world, await world.replica(on).ledger.reject([makeTestRejection({ source })]))
}

async function claim(world: LedgerWorld, { on, limit, oldestFirst = false, lost }: StepOf<'claim'>): Promise<unknown> {
  const replica = world.replica(on)
  if (lost) replica.lose()
  const tasks = await replica.ledger.claim({ ...makeClaimRoom(limit), oldestFirst })
  remember(world, replica, tasks)
  return tasks.map(describeClaim)
}

function remember({ holdings }: LedgerWorld, { ledger, lose }: WorldReplica, tasks: readonly ClaimedTask[]): void {
  // By their names: those that were claimed together are remembered in one order everywhere.
  for (const task of tasks.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1))) {
    holdings.push({ ledger, lose, task, attempt: task.attempt, end: undefined, answered: false, isUnsure: false, ended: false })
  }
}

async function open(holding: Holding, { end, counts, lost }: StepOf<'open'>): Promise<unknown> {
  const { task, ledger } = holding
  if (lost) holding.lose()
  // Until it is known what has become of it.
  holding.isUnsure = true
  const attempt = await ledger.openAttempt(task, { countsAttempt: counts, promptVersion: 'open@1', ...endOf(holding, end) })
  holding.isUnsure = false
  holding.attempt = attempt
  holding.end = undefined
  holding.answered = false
  holding.ended ||= attempt === null
  return { opened: attempt?.number ?? null }
}

async function answer(holding: Holding, { lost }: StepOf<'answer'>): Promise<void> {
  const { task, attempt, ledger } = holding
  if (lost) holding.lose()
  await ledger.recordAnswer(task, attempt!, makeAnswer(`answer ${attempt!.number} of ${task.taskId}`))
  holding.answered = true
}

async function finish(world: LedgerWorld, { picks, end, failed, lost }: StepOf<'finish'>): Promise<unknown> {
  const chosen = [...new Set(picks.flatMap((pick) => findHolding(world, pick, canFinish) ?? []))]
  // One answer that is lost is one end that is offered again.
  const together = keepTogether(lost ? chosen.slice(0, 1) : chosen)
  const makeEnd = failed ? makeFailedEnd : makeRunEnd
  if (lost) together[0]!.lose()
  const ends = together.map((holding) => makeEnd(holding.task, endOf(holding, end)))
  const results = await Promise.all(together.map(({ ledger }, index) => ledger.finish(ends[index]!)))
  together.forEach((holding) => (holding.ended = true))
  return results.map((result) => (result.kind === 'finished' ? show(world, result.outbox) : result.kind))
}

/** Those of one lease: they make one batch. Of each task only one. */
function keepTogether(holdings: readonly Holding[]): Holding[] {
  const ofLease = holdings.filter(({ task }) => task.leaseId === holdings[0]!.task.leaseId)
  return [...new Map(ofLease.map((holding) => [holding.task.taskId, holding])).values()]
}

async function defer(holding: Holding, { end, later, counts, lost }: StepOf<'defer'>): Promise<unknown> {
  const { task, ledger } = holding
  if (lost) holding.lose()
  const delayMs = later ? HOUR_MS : 0
  const deferral = {
    task,
    delayMs,
    reason: 'llm_rate_limited',
    deferralClass: later ? 'rate_limited' : 'handover',
    countsAttempt: counts,
    promptVersion: 'defer@1',
  } as const
  const result = await ledger.defer({ ...deferral, ...endOf(holding, end) })
  holding.ended = true
  return result
}

async function hold(holding: Holding, { end, lost }: StepOf<'hold'>): Promise<unknown> {
  const { task, ledger } = holding
  if (lost) holding.lose()
  const result = await ledger.hold(task, 'maybe_paid', endOf(holding, end))
  holding.ended = true
  return result
}

async function sweep(world: LedgerWorld, { on }: StepOf<'sweep'>): Promise<unknown> {
  return show(world, await world.replica(on).ledger.takeUnpublished(HOUR_MS, 100))
}

function show({ messages }: LedgerWorld, given: readonly OutboxMessage[]): string[] {
  const named = given.map((message) => ({ message, name: describeMessage(message) })).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  messages.push(...named.map(({ message }) => message))
  return named.map(({ name }) => name)
}

/** How the open attempt ended; nothing where none is open. */
function endOf(holding: Holding, state: EndState) {
  if (!holding.attempt || holding.answered) return {}
  holding.end = state
  return { attemptEnd: makeAttemptEnd(holding, { state }) }
}
