import { TaskError } from '#libs/kernel'
import { KafkaResultPublisher } from '#libs/queue'
import { MinioFileStore } from '#libs/storage'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { ChatSender } from '../../../libs/llm/src/chat/chat.sender.js'
import { HttpConnection } from '../../../libs/llm/src/http/http.connection.js'
import { PlatformaticRecordReader } from '../../../libs/queue/src/kafka/client/platformatic-record.reader.js'
import { MessageParser } from '../../../libs/tasks/src/intake/message-parser.js'
import type { Place } from './decorate.js'

const away = (code: ConstructorParameters<typeof TaskError>[0]) => () => TaskError.unavailable(code, 'a failpoint says that it is away')
const named = (point: string) => () => point

type Errors = Place['makeError']

function onPort(type: { readonly prototype: object }, method: string, point: string, makeError: Errors): Place {
  return { prototype: type.prototype, method, async: true, pointOf: named(point), makeError }
}

const ledger = (method: string, point: string) => onPort(PostgresLedger, method, point, away('ledger_unavailable'))
const files = (method: string, point: string) => onPort(MinioFileStore, method, point, away('storage_unavailable'))

/** Where a chat request is handed to the kernel: after it the provider has it, and the answer is on its way. */
const WRITE: Place = {
  prototype: HttpConnection.prototype,
  method: 'write',
  async: false,
  pointOf: ({ request }: { readonly request?: { readonly path: string } }) =>
    request?.path.endsWith('/chat/completions') ? 'write' : undefined,
  makeError: () => new Error('a failpoint says that the socket is broken'),
}

/** Every statement by its name, such as `sql:finish`: after it PostgreSQL has committed, and an error there is an answer that was lost. */
const STATEMENTS: Place = {
  prototype: HotPool.prototype,
  method: 'query',
  async: true,
  pointOf: (_self, [statement]: readonly { readonly name?: string }[]) => statement?.name && `sql:${statement.name}`,
  makeError: away('ledger_unavailable'),
}

const PARSE: Place = {
  prototype: MessageParser.prototype,
  method: 'parse',
  async: false,
  pointOf: named('parse'),
  makeError: away('internal'),
}

/**
 * The steps S1 to S10 of a task. S5 has three places (claimed, or its attempt opened; about to be sent; written), S6 two (the answer is
 * there; it is stored).
 */
export const PLACES: readonly Place[] = [
  onPort(PlatformaticRecordReader, 'fetch', 'fetch', away('queue_unavailable')),
  PARSE,
  ledger('accept', 'accept'),
  ledger('reject', 'reject'),
  ledger('claim', 'claim'),
  files('readText', 'read_file'),
  ledger('openAttempt', 'open_attempt'),
  onPort(ChatSender, 'send', 'send', away('internal')),
  WRITE,
  ledger('recordAnswer', 'record_answer'),
  files('putAnswer', 'put_answer'),
  ledger('finish', 'finish'),
  onPort(KafkaResultPublisher, 'publish', 'publish', away('queue_unavailable')),
  ledger('markPublished', 'mark_published'),
  STATEMENTS,
]
