import type { DeadLetterEvent, ResultEvent, TaskMessage } from '#libs/contracts'
import type { DemoCase, Expectation } from './demo.case.js'
import type { ExpectedAnswers } from './expected-answers.js'
import type { Observations } from './demo.observations.js'

/** What became of one record. lost: nothing came of it. wrong: something else came of it than must. */
export type Verdict =
  | { readonly kind: 'as expected'; readonly outcome: 'succeeded' | 'failed' | 'rejected' | 'repeated'; readonly code?: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'wrong'; readonly reason: string }

export interface CheckContext {
  readonly seen: Observations
  readonly answers: ExpectedAnswers
  /** Reads an answer out of object storage, having checked its size and hash. */
  readonly readObject: (reference: NonNullable<ResultEvent['output_ref']>) => Promise<string>
}

export async function checkOutcome({ record, expected }: DemoCase, context: CheckContext): Promise<Verdict> {
  if (expected.outcome === 'rejected')
    return checkRejection(
      record.value,
      expected.code,
      context.seen.deadLetters.map(({ value }) => value),
    )
  const events = context.seen.results.filter(({ value }) => value.task_id === expected.task.task_id).map(({ value }) => value)
  const [event] = events
  if (!event) return { kind: 'lost' }
  if (events.some((other) => JSON.stringify(other) !== JSON.stringify(event)))
    return { kind: 'wrong', reason: 'two different results for one run' }
  if (expected.outcome === 'repeated') return { kind: 'as expected', outcome: 'repeated' }
  if (expected.outcome === 'failed') return checkFailure(event, expected, context.seen)
  return checkAnswer(event, expected.task, context, expected.inStorage === true)
}

function checkRejection(value: DemoCase['record']['value'], code: string, deadLetters: readonly DeadLetterEvent[]): Verdict {
  const original = value === null ? undefined : Buffer.from(value as string).toString('base64')
  const letter = deadLetters.find((event) => event.kind === 'rejected' && event.original === original)
  if (!letter) return { kind: 'lost' }
  if (letter.error.code !== code) return { kind: 'wrong', reason: `rejected as ${letter.error.code}, not as ${code}` }
  return { kind: 'as expected', outcome: 'rejected', code }
}

function checkFailure(event: ResultEvent, { task, code }: Extract<Expectation, { outcome: 'failed' }>, seen: Observations): Verdict {
  if (event.outcome !== 'failed' || event.error?.code !== code) {
    return { kind: 'wrong', reason: `${event.outcome} ${event.error?.code ?? ''}, not failed ${code}` }
  }
  const letter = seen.deadLetters.some(({ value }) => value.kind === 'failed' && value.task_id === task.task_id)
  return letter ? { kind: 'as expected', outcome: 'failed', code } : { kind: 'wrong', reason: 'a failed run without a dead letter' }
}

async function checkAnswer(event: ResultEvent, task: TaskMessage, context: CheckContext, inStorage: boolean): Promise<Verdict> {
  if (event.outcome !== 'succeeded') return { kind: 'wrong', reason: `${event.outcome}: ${event.error?.code}: ${event.error?.message}` }
  if ((event.output_ref !== undefined) !== inStorage) return { kind: 'wrong', reason: 'the answer lies in the wrong place' }
  const text = event.output_ref ? await context.readObject(event.output_ref) : event.output?.text
  return text === context.answers.of(task)
    ? { kind: 'as expected', outcome: 'succeeded' }
    : { kind: 'wrong', reason: 'the answer belongs to another prompt' }
}
