import { createBatchRoute, listBatchesRoute } from './batches/batches.routes.js'
import { chatV1Route } from './chat/chat-v1.route.js'
import { chatV2Route } from './chat/chat-v2.route.js'
import { aiCheckRoute } from './checks/ai-check.route.js'
import { balanceRoute } from './checks/balance.route.js'
import { filterCheckRoute } from './checks/filter-check.route.js'
import { functionsValidateRoute } from './checks/functions-validate.route.js'
import { tokensCountRoute } from './checks/tokens-count.route.js'
import { embeddingsRoute } from './embeddings/embeddings.route.js'
import { deleteFileRoute, fileContentRoute, getFileRoute, listFilesRoute, uploadFileRoute } from './files/files.routes.js'
import { Router, type MethodRoutes } from './http/router.js'
import { modelRoute, modelsRoute } from './models/models.routes.js'
import { oauthRoute, passwordTokenRoute } from './oauth/oauth.route.js'

/** The public hosts serve `/api/v1`, api.giga.chat and the internal stands `/v1`. */
const PREFIXES = ['/api', '']

const ROUTES: Readonly<Record<string, MethodRoutes>> = {
  '/v1/chat/completions': { POST: chatV1Route },
  '/v2/chat/completions': { POST: chatV2Route },
  '/v1/embeddings': { POST: embeddingsRoute },
  '/v1/models': { GET: modelsRoute },
  '/v1/models/{id}': { GET: modelRoute },
  '/v1/tokens/count': { POST: tokensCountRoute },
  '/v1/files': { GET: listFilesRoute, POST: uploadFileRoute },
  '/v1/files/{id}': { GET: getFileRoute },
  '/v1/files/{id}/content': { GET: fileContentRoute },
  '/v1/files/{id}/delete': { POST: deleteFileRoute },
  '/v1/balance': { GET: balanceRoute },
  '/v1/batches': { GET: listBatchesRoute, POST: createBatchRoute },
  '/v1/ai/check': { POST: aiCheckRoute },
  '/v1/filter/check': { POST: filterCheckRoute },
  '/v1/functions/validate': { POST: functionsValidateRoute },
  '/v1/token': { POST: passwordTokenRoute },
}

export function makeRouter(): Router {
  const router = new Router()
  router.add('/api/v2/oauth', { POST: oauthRoute })
  for (const prefix of PREFIXES) for (const [path, methods] of Object.entries(ROUTES)) router.add(prefix + path, methods)
  return router
}
