import { makeErrorReply, makeJsonReply } from '../http/reply.js'
import { makePlainRoute } from '../http/route.js'

/** What an account without budgets in the settings shows. */
const DEFAULT_BALANCE: readonly [string, number][] = [
  ['GigaChat', 1_000_000],
  ['GigaChat-Pro', 991_490],
  ['GigaChat-Max', 1_000_000],
  ['embeddings', 1_000_000],
]

/** `GET /v1/balance`: only for prepaid accounts. */
export const balanceRoute = makePlainRoute('balance', ({ credential, simulation }) => {
  if (credential?.scope === 'GIGACHAT_API_CORP') return makeErrorReply(403, 'Permission denied')
  const budgets = simulation.budgets.all()
  return makeJsonReply({ balance: (budgets.length > 0 ? budgets : DEFAULT_BALANCE).map(([usage, value]) => ({ usage, value })) })
})
