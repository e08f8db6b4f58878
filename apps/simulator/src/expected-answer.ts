/**
 * The simulator's answer as a function of the prompt, so that a test or a demo can compute, without asking, which answer
 * belongs to which task. This file imports nothing: copy or import it anywhere.
 *
 * An ordinary answer is `Answer [[task:ID]]: <first twelve words of the last user message> (#<digest of the whole prompt>)`.
 * Markers in the last user message change it (see `Markers`). `max_tokens` is not applied here: the model does that, and says `length`.
 */
export interface PromptMessage {
  readonly role: string
  readonly content?: string | undefined
}

/** What the prompt orders the simulator to do. */
export interface Markers {
  /** Ids of `[[task:ID]]` in any message, each once, in order. */
  tasks: string[]
  /** `[[length]]`: stop in the middle with finish_reason `length`. */
  length: boolean
  /** `[[blacklist]]`: refuse the topic. */
  blacklist: boolean
  /** `[[profane]]`: filter/check calls the text profane. */
  profane: boolean
  /** `[[function:NAME]]`: call this function; it counts only where the last message is the user's. */
  functionName: string | undefined
  /** `[[json:{...}]]`: answer with exactly this JSON text. */
  json: string | undefined
  /** `[[answer_bytes:N]]`: an answer of exactly N bytes of UTF-8. */
  answerBytes: number | undefined
  /** `[[latency:ms]]`: takes this long whatever the settings say. */
  latencyMs: number | undefined
}

/** Everything that the simulator needs to know of a prompt, read in one pass. */
export interface PromptReading {
  /** The last user message: the only one whose markers (other than `task`) count, or history would repeat them. */
  asked: string
  markers: Markers
  /** Length of all contents in UTF-16 units. */
  characters: number
  /** 64-bit hash of all roles and contents, 16 hexadecimal digits. */
  digest: string
}

export const BLACKLIST_REFUSAL = 'Что-то в вашем вопросе меня смущает. Может, поговорим на другую тему?'

const QUOTED_WORDS = 12
/** Enough for twelve words; a long prompt is not split whole. */
const QUOTED_CHARACTERS = 300

export function expectedAnswer(messages: readonly PromptMessage[]): string {
  return answerTo(readPrompt(messages))
}

export function answerTo(reading: PromptReading): string {
  const { markers } = reading
  if (markers.json !== undefined) return markers.json
  if (markers.functionName !== undefined) return ''
  if (markers.blacklist) return BLACKLIST_REFUSAL
  const answer = ordinaryAnswer(reading)
  if (markers.answerBytes !== undefined) return padToBytes(answer, markers.answerBytes)
  return markers.length ? answer.slice(0, Math.ceil(answer.length / 2)).toWellFormed() : answer
}

export function readPrompt(messages: readonly PromptMessage[]): PromptReading {
  const markers = makeMarkers()
  const lastUser = messages.findLastIndex((message) => message.role === 'user')
  const hash = { high: 0xdeadbeef, low: 0x41c6ce57 }
  let characters = 0
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index]
    const content = message?.content ?? ''
    characters += content.length
    addToHash(hash, message?.role ?? '')
    addToHash(hash, content)
    readMarkers(content, markers, index === lastUser)
  }
  if (lastUser !== messages.length - 1) markers.functionName = undefined
  return { asked: messages[lastUser]?.content ?? '', markers, characters, digest: digestOf(hash) }
}

export function makeMarkers(): Markers {
  return {
    tasks: [],
    length: false,
    blacklist: false,
    profane: false,
    functionName: undefined,
    json: undefined,
    answerBytes: undefined,
    latencyMs: undefined,
  }
}

/** Adds the markers of one text; `orders` false reads only the task ids. */
export function readMarkers(text: string, into: Markers, orders: boolean): void {
  let start = text.indexOf('[[')
  while (start >= 0) {
    const end = text.indexOf(']]', start)
    if (end < 0) return
    const colon = text.indexOf(':', start)
    const hasValue = colon >= 0 && colon < end
    const name = text.slice(start + 2, hasValue ? colon : end)
    const value = hasValue ? text.slice(colon + 1, end) : ''
    let next = end
    if (name === 'task') addTask(into.tasks, value)
    else if (name === 'json' && orders) {
      const json = readJson(text, colon + 1)
      if (json !== undefined) {
        into.json = json
        next = colon + json.length
      }
    } else if (orders) applyMarker(into, name, value)
    start = text.indexOf('[[', next)
  }
}

function applyMarker(into: Markers, name: string, value: string): void {
  switch (name) {
    case 'length':
      into.length = true
      return
    case 'blacklist':
      into.blacklist = true
      return
    case 'profane':
      into.profane = true
      return
    case 'function':
      into.functionName = value
      return
    case 'answer_bytes':
      into.answerBytes = wholeNumber(value)
      return
    case 'latency':
      into.latencyMs = wholeNumber(value)
      return
    default:
  }
}

function addTask(tasks: string[], id: string): void {
  if (id !== '' && !tasks.includes(id)) tasks.push(id)
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** The JSON that starts here and is followed by `]]`; it may itself contain `]]`, so each candidate end is tried. */
function readJson(text: string, from: number): string | undefined {
  for (let end = text.indexOf(']]', from); end >= 0; end = text.indexOf(']]', end + 1)) {
    const candidate = text.slice(from, end)
    try {
      JSON.parse(candidate)
      return candidate
    } catch {
      // Not yet the end of the value.
    }
  }
  return undefined
}

function ordinaryAnswer({ asked, markers, digest }: PromptReading): string {
  let tasks = ''
  for (const id of markers.tasks) tasks += ` [[task:${id}]]`
  const quoted = firstWords(asked.slice(0, QUOTED_CHARACTERS).replace(MARKER, ' '))
  return `Answer${tasks}: ${quoted} (#${digest})`.toWellFormed()
}

const MARKER = /\[\[[^\]]*\]\]/g
const FIRST_WORDS = new RegExp(`^\\s*(\\S+(?:\\s+\\S+){0,${QUOTED_WORDS - 1}})`)

function firstWords(text: string): string {
  return (FIRST_WORDS.exec(text)?.[1] ?? '').replaceAll('\n', ' ')
}

function padToBytes(answer: string, bytes: number): string {
  const encoded = new TextEncoder().encode(answer)
  if (encoded.length <= bytes) return answer + '.'.repeat(bytes - encoded.length)
  // The last character may be cut: what is left of it is replaced by dots to keep the size.
  const cut = new TextDecoder().decode(encoded.subarray(0, bytes)).replace(/\uFFFD+$/, '')
  return cut + '.'.repeat(bytes - new TextEncoder().encode(cut).length)
}

/** After cyrb53 (public domain, github.com/bryc/code): two multiplications a character and no allocation. */
function addToHash(hash: { high: number; low: number }, text: string): void {
  let { high, low } = hash
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  // Marks the end of the text, so that ['ab',''] and ['a','b'] differ.
  hash.high = Math.imul(high ^ 0x10000, 2654435761)
  hash.low = Math.imul(low ^ 0x10000, 1597334677)
}

function digestOf({ high, low }: { high: number; low: number }): string {
  const a = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  const b = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return hexOf(a) + hexOf(b)
}

/** `toString(16)` goes through floating point for numbers above 2^31. */
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hexOf(bits: number): string {
  return `${HEX_BYTES[bits >>> 24]}${HEX_BYTES[(bits >>> 16) & 255]}${HEX_BYTES[(bits >>> 8) & 255]}${HEX_BYTES[bits & 255]}`
}
