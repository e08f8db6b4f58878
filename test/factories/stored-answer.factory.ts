import type { StoredAnswer } from '#libs/kernel'
import { makeAnswer } from './answer.factory.js'

/** The answer of the first attempt, as a claim brings it. */
export function makeStoredAnswer(fields: Partial<StoredAnswer> = {}): StoredAnswer {
  return { ...makeAnswer(), attemptId: '00000000-0000-4000-8000-000000000000', attemptNumber: 1, ...fields }
}
