import { completeChat, copyTexts } from '../chat/chat.call.js'
import { makeV1Reply } from '../chat/chat-v1.format.js'
import { parseChatRequest } from '../chat/chat.request.js'
import { findChatProblem } from '../chat/chat.validation.js'
import type { CallRecord } from '../bill/call.record.js'
import { embed, parseEmbeddings } from '../embeddings/embeddings.js'
import { readPrompt } from '../expected-answer.js'
import type { Simulation } from '../simulation.js'
import type { BatchLine } from './batch.lines.js'
import type { Batch } from './batch.store.js'

type LineResult = { readonly result: unknown } | { readonly error: { readonly status: number; readonly message: string } }

export interface BatchOutput {
  /** JSONL, one line for each of the input. */
  readonly text: string
  readonly completed: number
  readonly failed: number
}

/** Answers all lines at once. Each is a line of its own on the bill, with method BATCH. */
export function runBatch(simulation: Simulation, batch: Batch): BatchOutput {
  let failed = 0
  const lines = batch.lines.map((line) => {
    const outcome = runOnBill(simulation, batch, line)
    if ('error' in outcome) failed++
    return JSON.stringify({ id: line.id, ...outcome })
  })
  return { text: `${lines.join('\n')}\n`, completed: lines.length - failed, failed }
}

function runOnBill(simulation: Simulation, batch: Batch, line: BatchLine): LineResult {
  const record = simulation.bill.open('BATCH', `/batches/${batch.id}`)
  record.credential = batch.owner
  record.attemptId = line.id
  const outcome = batch.method === 'embedder' ? runEmbeddings(line, record) : runChat(simulation, line, record)
  record.status = 'error' in outcome ? outcome.error.status : 200
  record.outcome = 'error' in outcome ? 'refused' : 'answered'
  record.paid = !('error' in outcome)
  simulation.bill.settle(record)
  return outcome
}

function runChat(simulation: Simulation, line: BatchLine, record: CallRecord): LineResult {
  const request = parseChatRequest(line.request)
  if (typeof request === 'string') return { error: { status: 422, message: `Invalid params: ${request}` } }
  const reading = readPrompt(request.messages)
  record.model = request.model
  record.tasks = copyTexts(reading.markers.tasks)
  const problem = findChatProblem(request, reading.characters, simulation.chatRules)
  if (problem !== undefined) return { error: problem }
  const chat = completeChat(simulation, request, reading, undefined)
  record.promptTokens = chat.usage.promptTokens
  record.completionTokens = chat.usage.completionTokens
  const reply = makeV1Reply(chat, simulation.settings.chat.objectName, simulation.nextId)
  return { result: JSON.parse(String(reply.body)) as unknown }
}

function runEmbeddings(line: BatchLine, record: CallRecord): LineResult {
  const request = parseEmbeddings(line.request)
  if ('status' in request) return { error: request }
  record.model = request.model.id
  const { body, promptTokens } = embed(request)
  record.promptTokens = promptTokens
  return { result: body }
}
