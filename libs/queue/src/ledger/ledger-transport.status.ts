import { StatusContributor, type StatusRegistry } from '#libs/health'
import type { LedgerTransport } from './ledger.transport.js'

/** The work of this replica, for /health/details. */
export class LedgerTransportStatus extends StatusContributor {
  readonly name = 'work'

  constructor(
    registry: StatusRegistry,
    private readonly transport: LedgerTransport,
  ) {
    super()
    registry.register(this)
  }

  override describe(): unknown {
    return { tasks_in_hand: this.transport.inHand }
  }
}
