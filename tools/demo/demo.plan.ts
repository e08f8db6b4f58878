import type { TaskMessage } from '#libs/contracts'
import type { DemoCase } from './demo.case.js'
import type { DemoText } from './demo.texts.js'

/** How many records of each shape there are, for one `scale`. */
const COUNTS = { prompts: 30, messages: 25, templates: 25, files: 30, summaries: 20, facts: 15, keys: 6, perKey: 6 } as const
const LARGE_ANSWER_BYTES = 300_000

export interface PlanOptions {
  /** Makes the ids of this run unique. */
  readonly prefix: string
  readonly texts: readonly DemoText[]
  /** Names of objects, with their keys in the bucket. */
  readonly fileKeys: readonly string[]
}

/** Every shape of task that the service knows, and every mistake a producer can make. The order is mixed, as it would be in life. */
export function makePlan(options: PlanOptions): DemoCase[] {
  return interleave([
    many(COUNTS.prompts, (n) => makePrompt(options, 'ru', n)),
    many(COUNTS.prompts, (n) => makePrompt(options, 'en', n)),
    many(COUNTS.messages, (n) => makeConversation(options, n)),
    many(COUNTS.templates, (n) => makeTemplated(options, n)),
    many(COUNTS.files, (n) => makeWithFile(options, n)),
    many(COUNTS.summaries, (n) => makeSummary(options, n)),
    many(COUNTS.facts, (n) => makeFacts(options, n)),
    many(COUNTS.keys * COUNTS.perKey, (n) => makeOrdered(options, n)),
    [makeLargeAnswer(options)],
    makeRepeated(options),
    makeMistakes(options),
  ])
}

function many<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n))
}

/** Round robin, keeping the order inside each list. */
function interleave<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map((list) => list.length))
  return many(longest, (n) => lists.flatMap((list) => (n < list.length ? [list[n]!] : []))).flat()
}

function succeed(kind: string, task: TaskMessage, key?: string): DemoCase {
  return { kind, record: { value: task, key: key ?? null }, expected: { outcome: 'succeeded', task } }
}

function pickText({ texts }: PlanOptions, language: 'ru' | 'en', n: number): DemoText {
  const ofLanguage = texts.filter((text) => text.language === language)
  return ofLanguage[n % ofLanguage.length]!
}

function makePrompt(options: PlanOptions, language: 'ru' | 'en', n: number): DemoCase {
  const id = `${options.prefix}-prompt-${language}-${n}`
  const request = language === 'ru' ? 'О чём этот текст? Ответь одним предложением.' : 'What is this text about? Answer in one sentence.'
  return succeed(`prompt, ${language === 'ru' ? 'Russian' : 'English'}`, {
    task_id: id,
    prompt: `${request} [[task:${id}]]\n\n${pickText(options, language, n).text}`,
  })
}

function makeConversation(options: PlanOptions, n: number): DemoCase {
  const id = `${options.prefix}-messages-${n}`
  const language = n % 2 === 0 ? 'ru' : 'en'
  return succeed('messages', {
    task_id: id,
    messages: [
      { role: 'system', content: language === 'ru' ? 'Ты — учитель литературы.' : 'You are a teacher of literature.' },
      { role: 'user', content: pickText(options, language, n).text },
      {
        role: 'assistant',
        content: language === 'ru' ? 'Прочитал. Что вы хотите узнать?' : 'I have read it. What would you like to know?',
      },
      { role: 'user', content: `${language === 'ru' ? 'Кто автор?' : 'Who wrote it?'} [[task:${id}]]` },
    ],
    params: { temperature: 0.3, max_tokens: 256 },
    metadata: { chapter: n },
  })
}

function makeTemplated(options: PlanOptions, n: number): DemoCase {
  const id = `${options.prefix}-template-${n}`
  const language = n % 2 === 0 ? 'русский' : 'English'
  const prompt = `${pickText(options, n % 2 === 0 ? 'ru' : 'en', n).text}\n[[task:${id}]]`
  return succeed('template with variables', {
    task_id: id,
    template: { name: 'summary', version: 1, variables: { prompt, language, sentences: 1 + (n % 3) } },
  })
}

function makeWithFile(options: PlanOptions, n: number): DemoCase {
  const id = `${options.prefix}-file-${n}`
  return succeed('file from storage', {
    task_id: id,
    prompt: `Сравни начало и конец текста. [[task:${id}]]`,
    files: [{ name: 'work', key: options.fileKeys[n % options.fileKeys.length]! }],
  })
}

function makeSummary(options: PlanOptions, n: number): DemoCase {
  const id = `${options.prefix}-summary-${n}`
  return succeed('type "summary" with a file', {
    task_id: id,
    type: 'summary',
    template: { name: 'summary', variables: { sentences: 1 + (n % 4) } },
    files: [{ name: 'text', key: options.fileKeys[n % options.fileKeys.length]! }],
  })
}

function makeFacts(options: PlanOptions, n: number): DemoCase {
  const id = `${options.prefix}-facts-${n}`
  const answer = JSON.stringify({ people: ['Облонский'], places: ['Москва'], dates: ['1877-01-01'], summary: `Факты ${n}` })
  return succeed('type "extract", answer checked by schema', {
    task_id: id,
    type: 'extract',
    prompt: `${pickText(options, 'ru', n).text} [[task:${id}]] [[json:${answer}]]`,
  })
}

function makeOrdered(options: PlanOptions, n: number): DemoCase {
  const key = `${options.prefix}-chat-${n % COUNTS.keys}`
  const id = `${key}-${Math.floor(n / COUNTS.keys)}`
  return succeed('type "chat-ordered", order per key', { task_id: id, type: 'chat-ordered', prompt: `Реплика ${n} [[task:${id}]]` }, key)
}

function makeLargeAnswer({ prefix }: PlanOptions): DemoCase {
  const task: TaskMessage = {
    task_id: `${prefix}-large-0`,
    type: 'article',
    prompt: `[[task:${prefix}-large-0]] [[answer_bytes:${LARGE_ANSWER_BYTES}]] Напиши большую статью о русской поэзии.`,
    params: { max_tokens: 100_000 },
  }
  return { kind: 'answer too large for a row', record: { value: task }, expected: { outcome: 'succeeded', task, inStorage: true } }
}

/** One task, sent twice: the second record is a delivery of the same task. */
function makeRepeated({ prefix }: PlanOptions): DemoCase[] {
  const task: TaskMessage = { task_id: `${prefix}-twice`, prompt: `Дважды отправлено. [[task:${prefix}-twice]]` }
  return [succeed('sent twice', task), { kind: 'sent twice', record: { value: task }, expected: { outcome: 'repeated', task } }]
}

function makeMistakes({ prefix }: PlanOptions): DemoCase[] {
  const missingFile: TaskMessage = { task_id: `${prefix}-no-file`, prompt: 'Перескажи.', files: [{ key: `inputs/${prefix}/nowhere.txt` }] }
  const forbiddenFile: TaskMessage = {
    task_id: `${prefix}-forbidden`,
    prompt: 'Перескажи.',
    files: [{ key: 'answers/somebody-elses.txt' }],
  }
  const missingVariable: TaskMessage = { task_id: `${prefix}-no-variable`, template: { name: 'extract', variables: {} } }
  const image: TaskMessage = { task_id: `${prefix}-image`, prompt: 'Опиши.', files: [{ key: `inputs/${prefix}/picture.png` }] }
  return [
    { kind: 'broken JSON', record: { value: '{"task_id": "broken", "prompt": ' }, expected: { outcome: 'rejected', code: 'invalid_json' } },
    {
      kind: 'against the schema',
      record: { value: '{"task_id": "no prompt"}' },
      expected: { outcome: 'rejected', code: 'invalid_message' },
    },
    {
      kind: 'unknown task type',
      record: { value: JSON.stringify({ task_id: `${prefix}-type`, type: 'poem', prompt: 'x' }) },
      expected: { outcome: 'rejected', code: 'unknown_task_type' },
    },
    { kind: 'tombstone', record: { value: null, key: 'gone' }, expected: { outcome: 'rejected', code: 'tombstone' } },
    { kind: 'missing file', record: { value: missingFile }, expected: { outcome: 'failed', task: missingFile, code: 'file_not_found' } },
    {
      kind: 'file of another area',
      record: { value: forbiddenFile },
      expected: { outcome: 'failed', task: forbiddenFile, code: 'file_forbidden' },
    },
    {
      kind: 'picture (not supported yet)',
      record: { value: image },
      expected: { outcome: 'failed', task: image, code: 'unsupported_media' },
    },
    {
      kind: 'missing variable',
      record: { value: missingVariable },
      expected: { outcome: 'failed', task: missingVariable, code: 'template_variable_missing' },
    },
  ]
}
