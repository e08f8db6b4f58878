import type { Exchange } from '../http/exchange.js'
import { makeErrorReply, makeJsonReply, type Reply } from '../http/reply.js'
import { makePlainRoute, type Route } from '../http/route.js'
import type { Simulation } from '../simulation.js'
import { parseBatchLines } from './batch.lines.js'
import { runBatch } from './batch.runner.js'
import { statusOfBatch, type Batch, type BatchMethod } from './batch.store.js'

const METHODS: readonly string[] = ['chat_completions', 'embedder'] satisfies BatchMethod[]

/** `POST /v1/batches?method=...`, body JSONL. */
export const createBatchRoute = makeBatchRoute((exchange, owner) => {
  const { simulation, body, query } = exchange
  const method = new URLSearchParams(query).get('method') ?? ''
  if (!METHODS.includes(method)) return makeErrorReply(422, 'Invalid params: method must be chat_completions or embedder')
  const lines = parseBatchLines(body, simulation.settings.batches.maxLines)
  if (typeof lines === 'string') return makeErrorReply(422, `Invalid params: ${lines}`)
  return makeJsonReply(describeBatch(simulation, simulation.batches.add(owner, method as BatchMethod, lines)))
})

/** `GET /v1/batches`: an array, also where `batch_id` asks for one. */
export const listBatchesRoute = makeBatchRoute(({ simulation, query }, owner) => {
  const id = new URLSearchParams(query).get('batch_id')
  const batches = simulation.batches.listOf(owner).filter((batch) => id === null || batch.id === id)
  if (id !== null && batches.length === 0) return makeErrorReply(404, 'No such batch')
  return makeJsonReply(batches.map((batch) => describeBatch(simulation, batch)))
})

/** Only for pay-as-you-go accounts. */
function makeBatchRoute(answer: (exchange: Exchange, owner: string) => Reply): Route {
  return makePlainRoute('batches', (exchange) => {
    const { credential } = exchange
    return credential?.scope === 'GIGACHAT_API_CORP' ? answer(exchange, credential.clientId) : makeErrorReply(403, 'Permission denied')
  })
}

/** Whoever looks first after the time is up makes the results. */
function describeBatch(simulation: Simulation, batch: Batch): Record<string, unknown> {
  const status = statusOfBatch(batch, Date.now(), simulation.settings.batches)
  if (status === 'completed' && batch.result === undefined) complete(simulation, batch)
  const { result } = batch
  return {
    id: batch.id,
    method: batch.method,
    request_counts: { total: batch.lines.length, ...(result !== undefined && { completed: result.completed, failed: result.failed }) },
    status,
    ...(result !== undefined && { output_file_id: result.outputFileId }),
    created_at: Math.floor(batch.createdAtMs / 1000),
    updated_at: Math.floor((result?.atMs ?? batch.createdAtMs) / 1000),
  }
}

function complete(simulation: Simulation, batch: Batch): void {
  const { text, completed, failed } = runBatch(simulation, batch)
  const about = { filename: `${batch.id}.jsonl`, contentType: 'application/octet-stream', purpose: 'general' }
  const { id } = simulation.files.add(batch.owner, Buffer.from(text), about)
  batch.result = { outputFileId: id, completed, failed, atMs: Date.now() }
}
