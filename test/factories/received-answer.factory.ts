import { randomUUID } from 'node:crypto'
import type { ReceivedAnswer } from '../../libs/db/src/ledger/answer.statement.js'
import { makeAnswer } from './answer.factory.js'

let made = 0

/** An answer of a task's first attempt, with what it takes to store it. */
export function makeReceivedAnswer(fields: Partial<ReceivedAnswer> = {}): ReceivedAnswer {
  return {
    task: { id: ++made, acceptedOn: '2026-01-02', run: 1 },
    attempt: { id: randomUUID(), number: 1 },
    answer: makeAnswer(),
    ...fields,
  }
}
