import type { Bar } from './bar.js'
import { BUDGET_BAR } from './budget.bar.js'
import { MEMORY, THROUGHPUT } from './endurance.bars.js'
import { KILLS, KILLS_AS_SHIPPED } from './kills.bars.js'
import { POSTGRES_AWAY } from './postgres-away.bar.js'
import { QUIET_TENANT } from './quiet-tenant.bar.js'
import { ROLLING_RESTART } from './rolling-restart.bar.js'
import { STREAMS_OF_FOUR } from './streams.bar.js'
import { TAKEOVER } from './takeover.bar.js'
import { TOKENS_PER_MINUTE_BAR } from './tokens.bar.js'

/** The longest last. */
export const BARS: readonly Bar[] = [
  ROLLING_RESTART,
  STREAMS_OF_FOUR,
  TOKENS_PER_MINUTE_BAR,
  BUDGET_BAR,
  POSTGRES_AWAY,
  TAKEOVER,
  QUIET_TENANT,
  THROUGHPUT,
  MEMORY,
  KILLS_AS_SHIPPED,
  KILLS,
]
