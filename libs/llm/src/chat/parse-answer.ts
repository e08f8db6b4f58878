import { TaskError, type LlmAnswer, type RawAnswer } from '#libs/kernel'
import { decodeBody } from '../http/decode-body.js'
import { isEventStream } from '../sse/is-event-stream.js'
import { firstChoice, isObject, readUsage } from './chat-completion.js'
import { ChatStreamCollector } from './chat-stream.collector.js'

/** The provider would not answer: a result for the producer, not an error. */
const REFUSALS = new Set(['blacklist', 'content_filter'])
const UNKNOWN = 'unknown'

/**
 * Reads a stored answer, whole or streamed, told apart by its first characters, so that it needs no header. The same bytes will never
 * say anything else, so that the errors (`llm_bad_response`, `answer_empty`) are not retryable.
 */
export function parseAnswer(answer: RawAnswer, maxBytes: number): LlmAnswer {
  const body = decodeBody(answer, maxBytes)
  if (typeof body === 'string')
    throw badResponse(body === 'too_large' ? 'it is too large when decompressed' : 'its content-encoding is unknown or wrong')
  const parsed = isEventStream(body) ? parseStream(body) : parseWhole(body)
  if (parsed.text === '' && !REFUSALS.has(parsed.finishReason)) {
    throw TaskError.invalid('answer_empty', 'the model answered without a text', { finishReason: parsed.finishReason })
  }
  return parsed
}

function parseStream(body: Buffer): LlmAnswer {
  const stream = new ChatStreamCollector()
  stream.push(body)
  if (stream.error) throw badResponse('its stream carries an error')
  if (stream.model === undefined && stream.text === '') throw badResponse('its stream carries no choices')
  return {
    text: stream.text,
    usage: readUsage(stream.usage),
    finishReason: stream.finishReason ?? UNKNOWN,
    model: stream.model ?? UNKNOWN,
  }
}

function parseWhole(body: Buffer): LlmAnswer {
  const value = parseJson(body)
  if (!isObject(value)) throw badResponse('it is not JSON')
  if (!Array.isArray(value.choices)) throw badResponse('it has no choices')
  const choice = firstChoice(value)
  return {
    text: choice?.text ?? '',
    usage: readUsage(value.usage),
    finishReason: choice?.finishReason ?? UNKNOWN,
    model: typeof value.model === 'string' ? value.model : UNKNOWN,
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function badResponse(why: string): TaskError {
  return TaskError.invalid('llm_bad_response', `the answer cannot be used: ${why}`)
}
