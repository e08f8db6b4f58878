import type { TaskMessage } from '#libs/contracts'
import type { ProducedRecord } from '#tools/rig'

/** With id, names and quotes a value has about 1 KiB. */
const PROMPT_BYTES = 960
const SENTENCE = 'Describe in one paragraph what the attached statement says about the account, and name every date in it. '
const FILLER = SENTENCE.repeat(Math.ceil(PROMPT_BYTES / SENTENCE.length))

export interface BenchTaskRules {
  readonly topic: string
  readonly keys: number
  readonly taskType?: string | undefined
}

/** Task number `index` of a measurement: always the same for the same number, and its id tells the number. */
export function makeBenchTask(index: number, { topic, keys, taskType }: BenchTaskRules): ProducedRecord & { readonly value: TaskMessage } {
  const head = `Statement ${index}: `
  return {
    topic,
    key: `key-${index % keys}`,
    value: {
      task_id: makeTaskId(index),
      prompt: head + FILLER.slice(0, PROMPT_BYTES - head.length),
      ...(taskType !== undefined && { type: taskType }),
    },
  }
}

function makeTaskId(index: number): string {
  return `bench-${String(index).padStart(8, '0')}`
}

export function indexOfTask(taskId: string): number {
  return Number(taskId.slice('bench-'.length))
}
