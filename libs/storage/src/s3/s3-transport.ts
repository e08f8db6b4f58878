import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ClientOptions } from 'minio'
import { dropFreeSockets } from './s3-agent.js'
import { readResponseError } from './s3-response.error.js'
import { S3TimeoutError } from './s3-timeout.error.js'

export type S3Transport = NonNullable<ClientOptions['transport']>

interface S3TransportOptions {
  readonly agent: Agent
  readonly idleTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly onResponse: (response: IncomingMessage) => void
}

const FIRST_ERROR_STATUS = 300

/**
 * How requests of one call to the store are sent. It exists because minio 8 has no time limit at all, knows no AbortSignal, and drops
 * what an error response says (Retry-After, its code on 5xx) together with its socket.
 *
 * A request ends by its response being read, by silence (idle limit, which also covers connecting), by its total limit, or by the
 * signal; in the last three cases its socket is destroyed. Error responses are read here and become an S3ResponseError.
 */
export function makeS3Transport(
  { agent, idleTimeoutMs, totalTimeoutMs, onResponse }: S3TransportOptions,
  signal: AbortSignal,
): S3Transport {
  function send(options: RequestOptions, onSuccess: (response: IncomingMessage) => void): ClientRequest {
    signal.throwIfAborted()
    const makeRequest = options.protocol === 'https:' ? httpsRequest : httpRequest
    const request = makeRequest({ ...options, agent, timeout: idleTimeoutMs })
    let received: IncomingMessage | undefined
    const abandon = (reason: Error) => {
      received?.destroy(reason)
      request.destroy(reason)
    }
    const onAbort = () => abandon(signal.reason as Error)
    const totalTimer = setTimeout(() => abandon(new S3TimeoutError('total', totalTimeoutMs)), totalTimeoutMs)
    signal.addEventListener('abort', onAbort, { once: true })
    request.once('timeout', () => {
      abandon(new S3TimeoutError('idle', idleTimeoutMs))
      dropFreeSockets(agent)
    })
    request.once('response', (response) => {
      received = response
      onResponse(response)
      if ((response.statusCode ?? 0) < FIRST_ERROR_STATUS) onSuccess(response)
      else void readResponseError(response).then(...failWith(request))
    })
    request.once('close', () => {
      clearTimeout(totalTimer)
      signal.removeEventListener('abort', onAbort)
    })
    return request
  }
  return { request: send as S3Transport['request'] }
}

/** minio listens to the request's errors only. */
function failWith(request: ClientRequest): [(error: Error) => void, (error: Error) => void] {
  const fail = (error: Error) => void request.emit('error', error)
  return [fail, fail]
}
