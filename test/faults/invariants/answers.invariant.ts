import type { ResultEvent } from '#libs/contracts'
import type { Evidence, StoredObject } from './evidence.js'
import type { Violation } from './violation.js'

/** Every task has the answer that belongs to it. I17: an answer in object storage is the one that its result names, and no other lies there. */
export function checkAnswers({ acked, results, answers }: Evidence): Violation[] {
  const events = new Map(results.map(({ value }) => [value.task_id, value]))
  const objects = new Map(answers.map((object) => [object.key, object]))
  const wrong = acked.flatMap(({ fate }): Violation[] => {
    if (fate.kind !== 'task') return []
    const event = events.get(fate.taskId)
    if (!event) return []
    const outcome = fate.outcome ?? 'succeeded'
    if (event.outcome !== outcome) return [{ invariant: 'answers', problem: `a task did not end as ${outcome}`, evidence: event }]
    if (fate.text === undefined || readText(event, objects) === fate.text) return []
    return [
      { invariant: 'answers', problem: 'a task has another answer than its own', evidence: { expected: fate.text.slice(0, 200), event } },
    ]
  })
  const named = new Set(results.flatMap(({ value }) => (value.output_ref ? [value.output_ref.key] : [])))
  const orphans = answers
    .filter(({ key }) => !named.has(key))
    .map(({ key }) => ({ invariant: 'I17', problem: 'an object has no result', evidence: key }))
  return [
    ...wrong,
    ...findBrokenReferences(
      results.map(({ value }) => value),
      objects,
    ),
    ...orphans,
  ]
}

function readText({ output, output_ref: reference }: ResultEvent, objects: ReadonlyMap<string, StoredObject>): string | undefined {
  return reference ? objects.get(reference.key)?.text : output?.text
}

function findBrokenReferences(events: readonly ResultEvent[], objects: ReadonlyMap<string, StoredObject>): Violation[] {
  return events.flatMap(({ output_ref: reference }) => {
    if (!reference) return []
    const object = objects.get(reference.key)
    const isWhole = object?.sha256 === reference.sha256 && Buffer.byteLength(object.text) === reference.size
    return isWhole ? [] : [{ invariant: 'I17', problem: 'a result names an object that is missing or another', evidence: reference }]
  })
}
