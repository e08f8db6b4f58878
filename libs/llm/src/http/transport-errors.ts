import { TaskError } from '#libs/kernel'
import type { ErrorCode } from '#libs/contracts'
import type { Endpoint, ExchangeLimits } from './exchange.js'

const UNKNOWN_AUTHORITY = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
])
const BAD_CERTIFICATE = /^(CERT_|ERR_TLS_|HOSTNAME_MISMATCH)/
const TLS_PROTOCOL = /^(ERR_SSL_|EPROTO)/
/** The server's verdict on our certificate, or that it wants one. */
const CLIENT_CERTIFICATE =
  /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE|HANDSHAKE_FAILURE)|CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|UNKNOWN)/
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'CONNECT_TIMEOUT',
])

/** Turns what the network throws into a TaskError; one that is ours already stays as it is. Only the code is shown: messages of sockets name addresses. */
export function transportError(cause: Error, endpoint: Endpoint): TaskError {
  if (cause instanceof TaskError) return cause
  const code = errorCode(cause)
  const certificate = certificateAdvice(code, endpoint)
  if (certificate) return failure('llm_tls', `${endpoint.name}: ${certificate} [${code}]`, cause)
  if (UNREACHABLE.has(code)) return failure('llm_unreachable', `${endpoint.name} cannot be reached [${code}]`, cause)
  return failure('llm_connection_lost', `the connection to ${endpoint.name} was lost [${code}]`, cause)
}

function certificateAdvice(code: string, { settingsPrefix }: Endpoint): string | undefined {
  if (UNKNOWN_AUTHORITY.has(code)) {
    return `the server's certificate is signed by an unknown authority; set ${settingsPrefix}_CA_BUNDLE_FILE to a PEM file with its root certificate`
  }
  if (BAD_CERTIFICATE.test(code)) {
    return `the server's certificate is not valid; check ${settingsPrefix}_BASE_URL and ${settingsPrefix}_CA_BUNDLE_FILE`
  }
  if (CLIENT_CERTIFICATE.test(code)) {
    return `the server refused our certificate; check ${settingsPrefix}_CERT_FILE and ${settingsPrefix}_KEY_FILE`
  }
  if (TLS_PROTOCOL.test(code)) return `the TLS handshake failed; check that ${settingsPrefix}_BASE_URL is right about https`
  return undefined
}

/**
 * The server did not take our certificate, and so has not let the request in, although it was written: TLS 1.3 clients write before the
 * server has judged their certificate (RFC 8446, 4.4.2.4). Only of the first request of a socket: whom it has answered, it has let in.
 */
export function isCertificateRefusal(error: Error): boolean {
  return CLIENT_CERTIFICATE.test(errorCode(error))
}

export function shutdownError(): TaskError {
  return failure('shutdown', 'the client was closed')
}

/** Why we gave up waiting. */
export function timeoutError(phase: 'first_byte' | 'idle' | 'whole', limits: ExchangeLimits, { name }: Endpoint): TaskError {
  switch (phase) {
    case 'first_byte':
      return failure('llm_timeout', `${name} sent no byte of an answer within ${limits.firstByteTimeoutMs} ms`)
    case 'idle':
      return failure('llm_timeout', `${name} was silent for ${limits.idleTimeoutMs} ms in the middle of its answer`)
    default:
      return failure('llm_timeout', `${name} did not finish within ${limits.callTimeoutMs} ms`)
  }
}

/** The reason of the abort when it is one of ours, so that it stays visible in the attempt's row. */
export function describeAbort({ reason }: AbortSignal): TaskError {
  if (reason instanceof TaskError) return reason
  return new TaskError('cancelled', 'the call was aborted', { retryable: true, cause: reason })
}

function errorCode(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code !== undefined) return code
  return error.cause instanceof Error ? errorCode(error.cause) : error.name
}

function failure(code: ErrorCode, message: string, cause?: unknown): TaskError {
  return new TaskError(code, message, { retryable: true, cause })
}
