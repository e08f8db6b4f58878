import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { CONTROL_PREFIX, handleControl } from '../control/control.handler.js'
import type { Simulation } from '../simulation.js'
import { readBody } from './body.reader.js'
import { serveCall } from './call.pipeline.js'
import { Exchange } from './exchange.js'
import { deliver } from './reply.delivery.js'
import { makeErrorReply } from './reply.js'
import type { Router } from './router.js'

/** The entry of every HTTP request. */
export function makeRequestHandler(simulation: Simulation, router: Router): RequestListener {
  return (request, response) => {
    const url = request.url ?? '/'
    if (url.startsWith(CONTROL_PREFIX)) handleControl(simulation, request, response)
    else handleCall(simulation, router, url, request, response)
  }
}

function handleCall(simulation: Simulation, router: Router, url: string, request: IncomingMessage, response: ServerResponse): void {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const method = request.method ?? 'GET'
  const exchange = new Exchange(simulation, request, response, simulation.bill.open(method, path), mark < 0 ? '' : url.slice(mark + 1))
  const match = router.find(method, path)
  const { maxBodyBytes, maxFileBodyBytes } = simulation.settings
  const takesFiles = typeof match === 'object' && (match.route.endpoint === 'files' || match.route.endpoint === 'batches')
  readBody(request, takesFiles ? maxFileBodyBytes : maxBodyBytes, (body) => {
    if (typeof match === 'number') return deliver(exchange, makeErrorReply(match, match === 404 ? 'Not Found' : 'Method Not Allowed'))
    if (body === null) return deliver(exchange, makeErrorReply(413, 'Payload too large'))
    exchange.body = body
    serveCall(exchange, match)
  })
}
