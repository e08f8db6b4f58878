import { makeMarkers, readMarkers } from '../expected-answer.js'
import { parseJson } from '../http/json.js'
import { makeErrorReply, makeJsonReply } from '../http/reply.js'
import type { Route } from '../http/route.js'
import { drawLatencyMs } from '../latency.js'
import { embed, parseEmbeddings } from './embeddings.js'

/** `POST /v1/embeddings`. */
export const embeddingsRoute: Route = {
  endpoint: 'embeddings',
  takesStream: true,
  prepare({ body, record, simulation }) {
    const json = parseJson(body)
    if (json === undefined) return makeErrorReply(400, 'Your request contains invalid JSON syntax.')
    const request = parseEmbeddings(json)
    if ('status' in request) return makeErrorReply(request.status, request.message)
    const markers = makeMarkers()
    for (const text of request.input) readMarkers(text, markers, true)
    record.model = request.model.id
    record.tasks = markers.tasks
    return {
      facts: { model: record.model, stream: false, tasks: markers.tasks, promptText: () => request.input.join('\n') },
      latencyMs: markers.latencyMs ?? drawLatencyMs(simulation.settings.latency, simulation.random),
      answer: () => {
        const result = embed(request)
        record.promptTokens = result.promptTokens
        record.paid = true
        return makeJsonReply(result.body)
      },
    }
  },
}
