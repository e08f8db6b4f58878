import { TaskError, type LlmCall, type SendResult } from '#libs/kernel'
import { decodeBody } from '../http/decode-body.js'
import type { Endpoint, ExchangeOutcome, HttpResponse } from '../http/exchange.js'
import { isEventStream } from '../sse/is-event-stream.js'
import { ChatStreamCollector } from './chat-stream.collector.js'
import { findChatErrorRow, findErrorRow, type ErrorRow } from './error-table.js'
import { readProviderError, type ProviderError } from './provider-error.js'
import { responseError } from './response-error.js'

export interface ClassifyContext {
  readonly rows: readonly ErrorRow[]
  readonly endpoint: Endpoint
  readonly call: LlmCall
  /** Holds what has come where the answer is a stream. */
  readonly stream: ChatStreamCollector | undefined
  readonly maxAnswerBytes: number
  readonly nowMs: number
}

type BrokenExchange = Extract<ExchangeOutcome, { readonly kind: 'broken' }>

/** How a send ended, by what was really written and read. Never throws. */
export function classifyExchange(outcome: ExchangeOutcome, context: ClassifyContext): SendResult {
  switch (outcome.kind) {
    case 'not_written':
      return { kind: 'not_sent', error: outcome.error }
    case 'too_large':
      return tooLarge(outcome.sizeBytes, context)
    case 'broken':
      return classifyBroken(outcome, context)
    default:
      return classifyResponse(outcome.response, context)
  }
}

/** All of a stream's answer may have come before its connection broke: only the end of the stream is missing then. */
function classifyBroken({ error, response }: BrokenExchange, context: ClassifyContext): SendResult {
  if (response && isSuccess(response) && context.stream?.complete) return { kind: 'answered', answer: response }
  return { kind: 'maybe_paid', error, ...partialOf(response, context) }
}

function classifyResponse(response: HttpResponse, context: ClassifyContext): SendResult {
  const decoded = decodeBody(response, context.maxAnswerBytes)
  if (decoded === 'too_large') return tooLarge(context.maxAnswerBytes, context)
  const body = decoded === 'undecodable' ? NOTHING : decoded
  if (!isSuccess(response)) return refused(response, response.status, readError(body), context)
  if (isEventStream(body)) return classifyStream(collected(body, context), response, context)
  if (isHtml(body)) return refusedByPage(response, context)
  const error = mayBeError(body) ? readError(body) : undefined
  if (error?.status !== undefined) return refused(response, error.status, error, context)
  return { kind: 'answered', answer: response }
}

const NOTHING = Buffer.alloc(0)

function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status <= 299
}

/** Inside a JSON text quotes are escaped, so these bytes are keys; most answers are seen to be none without parsing them twice. */
function mayBeError(body: Buffer): boolean {
  return !body.includes('"choices"') && (body.includes('"status"') || body.includes('"error"') || body.includes('"code"'))
}

function isHtml(body: Buffer): boolean {
  return body.subarray(0, 64).toString('latin1').trimStart().startsWith('<')
}

/** A page of a proxy or a front end is no answer of a model: taken as answered, an outage would turn a whole backlog into dead letters. */
function refusedByPage(response: HttpResponse, { endpoint }: ClassifyContext): SendResult {
  const message = `${endpoint.name} answered ${response.status} with an HTML page instead of an answer`
  return { kind: 'refused', error: TaskError.unavailable('llm_model_unavailable', message), answer: response }
}

function collected(body: Buffer, { stream }: ClassifyContext): ChatStreamCollector {
  if (stream) return stream
  const late = new ChatStreamCollector()
  late.push(body)
  return late
}

/** A stream that has begun was let in, whatever error it carries. */
function classifyStream(stream: ChatStreamCollector, response: HttpResponse, context: ClassifyContext): SendResult {
  if (stream.complete) return { kind: 'answered', answer: response }
  const { error } = stream
  return { kind: 'maybe_paid', error: streamError(error, response, context), ...(stream.text !== '' && { partial: stream.text }) }
}

function streamError(error: ProviderError | undefined, { headers }: HttpResponse, context: ClassifyContext): TaskError {
  const { endpoint, rows, nowMs, call } = context
  if (error?.status !== undefined)
    return responseError({
      row: findErrorRow(rows, error.status, error),
      endpoint,
      status: error.status,
      error,
      headers,
      nowMs,
      prompt: call.messages,
    })
  const what = error ? 'broke its stream off with an error' : 'ended its stream before the answer was complete'
  return new TaskError('llm_connection_lost', `${endpoint.name} ${what}`, { retryable: true })
}

function refused(response: HttpResponse, status: number, error: ProviderError | undefined, context: ClassifyContext): SendResult {
  const { rows, endpoint, nowMs, call } = context
  return {
    kind: 'refused',
    error: responseError({
      row: findChatErrorRow(rows, status, error),
      endpoint,
      status,
      error,
      headers: response.headers,
      nowMs,
      prompt: call.messages,
    }),
    answer: response,
  }
}

function tooLarge(sizeBytes: number, { endpoint, maxAnswerBytes }: ClassifyContext): SendResult {
  const message = `the answer of ${endpoint.name} is larger than LLM_MAX_ANSWER_BYTES (${maxAnswerBytes})`
  return { kind: 'answer_too_large', error: TaskError.invalid('answer_too_large', message), sizeBytes }
}

function partialOf(response: HttpResponse | undefined, { stream }: ClassifyContext): { partial?: string } {
  const partial = stream ? stream.text : response?.body.toString('utf8')
  return partial ? { partial } : {}
}

function readError(body: Buffer): ProviderError | undefined {
  try {
    return readProviderError(JSON.parse(body.toString('utf8')))
  } catch {
    return undefined
  }
}
