import { EventEmitter } from 'node:events'
import type { PortName } from './port.js'

export interface RetryEvent {
  readonly port: PortName
  /** The try that is about to start, 1-based: 2 or more. */
  readonly attempt: number
  readonly delayMs: number
  readonly error: Error
}

export interface GiveUpEvent {
  readonly port: PortName
  readonly error: Error
}

export interface BreakerOpenedEvent {
  readonly port: PortName
  /** When the next probe may start. */
  readonly openMs: number
  readonly error: Error
  /** It was half-open, and its probe has failed. */
  readonly again: boolean
}

/** Every decision of the policies of the ports. Metrics and logs are made of them and of nothing else. */
export interface ResilienceEventMap {
  retried: [RetryEvent]
  gaveUp: [GiveUpEvent]
  timedOut: [{ readonly port: PortName; readonly timeoutMs: number }]
  breakerMade: [{ readonly port: PortName }]
  breakerOpened: [BreakerOpenedEvent]
  breakerHalfOpened: [{ readonly port: PortName }]
  /** `awayMs`: since it has opened first. */
  breakerClosed: [{ readonly port: PortName; readonly awayMs: number }]
}

export class ResilienceEvents extends EventEmitter<ResilienceEventMap> {}
