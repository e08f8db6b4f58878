import type { BilledCall } from '#tools/rig'
import type { Evidence } from './evidence.js'
import type { RunRow, TaskRow } from './ledger.snapshot.js'
import type { Violation } from './violation.js'

type KeyedRun = RunRow & { readonly task: TaskRow }

/** Order per key: the results of a key are numbered 1 to n in the order of their offsets, and its calls never overlap. */
export function checkOrdering({ ledger, calls }: Evidence): Violation[] {
  const tasks = new Map(ledger.tasks.map((task) => [task.id, task]))
  const keyed = ledger.runs
    .flatMap((run): KeyedRun[] => {
      const task = tasks.get(run.task_number)
      return task ? [{ ...run, task }] : []
    })
    .filter(({ task }) => task.ordering_key !== null)
  const callsByAttempt = new Map(calls.map((call) => [call.attempt_id, call]))
  const callsByTask = Map.groupBy(ledger.attempts, ({ task_number: task }) => task)
  return [...Map.groupBy(keyed, ({ task }) => task.ordering_key!)].flatMap(([key, runs]) => {
    const made = runs.flatMap((run) => (callsByTask.get(run.task_number) ?? []).flatMap(({ id }) => callsByAttempt.get(id) ?? []))
    return [...findWrongSequence(key, runs), ...findOverlaps(key, made)]
  })
}

function findWrongSequence(key: string, runs: readonly KeyedRun[]): Violation[] {
  const inOffsetOrder = runs.toSorted((a, b) => Number(BigInt(a.task.offset) - BigInt(b.task.offset)))
  if (inOffsetOrder.every(({ key_sequence: sequence }, index) => sequence === index + 1)) return []
  const seen = inOffsetOrder.map(({ task, key_sequence: sequence }) => ({ offset: task.offset, sequence }))
  return [{ invariant: 'order', problem: 'the results of a key are not numbered 1 to n by their offsets', evidence: { key, seen } }]
}

function findOverlaps(key: string, calls: readonly BilledCall[]): Violation[] {
  const spans = calls
    .map((call) => ({ call, from: Date.parse(call.time), to: Date.parse(call.time) + (call.duration_ms ?? 0) }))
    .toSorted((a, b) => a.from - b.from)
  return spans.flatMap((span, index) => {
    const previous = spans[index - 1]
    if (!previous || previous.to <= span.from) return []
    return [{ invariant: 'order', problem: 'two calls of one key overlap', evidence: { key, calls: [previous.call, span.call] } }]
  })
}
