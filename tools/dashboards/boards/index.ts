import { dependenciesAndRuntime } from './dependencies-and-runtime.board.js'
import { kafkaAndLedger } from './kafka-and-ledger.board.js'
import { llmAndMoney } from './llm-and-money.board.js'
import { overview } from './overview.board.js'

/** By the name of the file. */
export const BOARDS = {
  overview,
  'llm-and-money': llmAndMoney,
  'kafka-and-ledger': kafkaAndLedger,
  'dependencies-and-runtime': dependenciesAndRuntime,
}
