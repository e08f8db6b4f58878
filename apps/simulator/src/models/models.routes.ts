import { makeErrorReply, makeJsonReply } from '../http/reply.js'
import { makePlainRoute } from '../http/route.js'
import { allModels, findModel, type Model } from './model.catalogue.js'

/** `GET /v1/models`. */
export const modelsRoute = makePlainRoute('models', () => makeJsonReply({ object: 'list', data: allModels().map(describeModel) }))

/** `GET /v1/models/{id}`. */
export const modelRoute = makePlainRoute('models', (_exchange, id) => {
  const model = findModel(id)
  return model === undefined ? makeErrorReply(404, 'No such model') : makeJsonReply(describeModel(model))
})

function describeModel({ id, type }: Model): Record<string, unknown> {
  return { id, object: 'model', owned_by: 'salutedevices', type }
}
