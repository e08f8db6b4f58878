import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Options } from 'pino-http'
import type { LogLevels } from './levels/log-levels.js'

/** HTTP requests are probes and scrapes, so they are logged at debug, without headers, bodies and queries. */
export function makeHttpLogOptions(logger: Logger, levels: LogLevels): Options {
  return {
    logger,
    useLevel: 'debug',
    autoLogging: { ignore: () => !levels.allows('debug', { module: 'http' }) },
    quietReqLogger: true,
    quietResLogger: true,
    wrapSerializers: false,
    serializers: { req: leaveOut, res: leaveOut },
    customAttributeKeys: { reqId: 'request_id' },
    customSuccessMessage: () => 'http request',
    customErrorMessage: () => 'http request failed',
    customSuccessObject: (request: IncomingMessage, response: ServerResponse, { responseTime }: { responseTime: number }) =>
      describeRequest(request, response, responseTime),
    customErrorObject: (request, response, error, { responseTime }: { responseTime: number }) => ({
      ...describeRequest(request, response, responseTime),
      error,
    }),
  }
}

function describeRequest({ method, url }: IncomingMessage, { statusCode }: ServerResponse, durationMs: number): Record<string, unknown> {
  return { method, path: url?.split('?', 1)[0], status: statusCode, duration_ms: durationMs }
}

function leaveOut(): undefined {
  return undefined
}
