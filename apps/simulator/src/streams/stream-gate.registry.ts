import type { Scope, SimulatorSettings } from '../settings.schema.js'
import { StreamGate } from './stream.gate.js'

type StreamLimits = SimulatorSettings['streams']

/** One gate per client id and scope, made when first seen. */
export class StreamGateRegistry {
  readonly #gates = new Map<string, StreamGate>()

  constructor(private limits: StreamLimits) {}

  gateOf(clientId: string, scope: Scope): StreamGate {
    const key = `${scope} ${clientId}`
    let gate = this.#gates.get(key)
    if (gate === undefined) {
      gate = new StreamGate(clientId, scope, limitOf(this.limits, clientId, scope))
      this.#gates.set(key, gate)
    }
    return gate
  }

  applyLimits(limits: StreamLimits): void {
    this.limits = limits
    for (const gate of this.#gates.values()) gate.limit = limitOf(limits, gate.credential, gate.scope as Scope)
  }

  forgetHistory(): void {
    for (const gate of this.#gates.values()) gate.forgetHistory()
  }

  all(): StreamGate[] {
    return [...this.#gates.values()]
  }
}

function limitOf(limits: StreamLimits, clientId: string, scope: Scope): number {
  return limits.credentials[clientId] ?? limits[scope]
}
