import { headerOf, type Exchange } from '../http/exchange.js'
import { makeErrorReply, makeJsonReply, type Reply } from '../http/reply.js'
import { makePlainRoute, type Route } from '../http/route.js'
import { findFileProblem } from './file.rules.js'
import type { StoredFile } from './file.store.js'
import { parseMultipart } from './multipart.parser.js'

/** `POST /v1/files`. */
export const uploadFileRoute = makePlainRoute('files', (exchange) => {
  const parts = parseMultipart(exchange.body, headerOf(exchange.request, 'content-type') ?? '')
  const file = parts?.find((part) => part.name === 'file')
  if (parts === undefined || file === undefined) return makeErrorReply(400, 'Bad Request')
  const purpose = parts.find((part) => part.name === 'purpose')?.content.toString('utf8') ?? ''
  const problem = findFileProblem(file.contentType, file.content.length, purpose)
  if (problem !== undefined) return makeErrorReply(problem.status, problem.message)
  const about = { filename: file.filename ?? 'file', contentType: file.contentType, purpose }
  // A copy: the part is a view that would keep the whole request in memory.
  return makeJsonReply(describeFile(exchange.simulation.files.add(ownerOf(exchange), Buffer.from(file.content), about)))
})

/** `GET /v1/files`. */
export const listFilesRoute = makePlainRoute('files', (exchange) =>
  makeJsonReply({ data: exchange.simulation.files.listOf(ownerOf(exchange)).map(describeFile) }),
)

/** `GET /v1/files/{id}`. */
export const getFileRoute = makeFileRoute((file) => makeJsonReply(describeFile(file)))

/** `GET /v1/files/{id}/content`. */
export const fileContentRoute = makeFileRoute((file) => ({ kind: 'whole', status: 200, contentType: file.contentType, body: file.content }))

/** `POST /v1/files/{id}/delete`. */
export const deleteFileRoute = makeFileRoute((file, { simulation }) => {
  simulation.files.delete(file.id)
  return makeJsonReply({ id: file.id, deleted: true, object: 'file' })
})

function makeFileRoute(answer: (file: StoredFile, exchange: Exchange) => Reply): Route {
  return makePlainRoute('files', (exchange, id) => {
    const file = exchange.simulation.files.find(ownerOf(exchange), id)
    return file === undefined ? makeErrorReply(404, 'No such file') : answer(file, exchange)
  })
}

function ownerOf({ credential }: Exchange): string {
  return credential?.clientId ?? ''
}

function describeFile(file: StoredFile): Record<string, unknown> {
  return {
    id: file.id,
    object: 'file',
    bytes: file.content.length,
    created_at: file.createdAt,
    filename: file.filename,
    purpose: file.purpose,
    access_policy: 'private',
  }
}
