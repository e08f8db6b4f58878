import { chatV1Route } from './chat/chat-v1.route.js'
import { Router, type MethodRoutes } from './http/router.js'
import { oauthRoute, passwordTokenRoute } from './oauth/oauth.route.js'

/** The public hosts serve `/api/v1`, api.giga.chat and the internal stands `/v1`. */
const V1_PREFIXES = ['/api/v1', '/v1']

const V1_ROUTES: Readonly<Record<string, MethodRoutes>> = {
  '/chat/completions': { POST: chatV1Route },
  '/token': { POST: passwordTokenRoute },
}

export function makeRouter(): Router {
  const router = new Router()
  router.add('/api/v2/oauth', { POST: oauthRoute })
  for (const prefix of V1_PREFIXES) for (const [path, methods] of Object.entries(V1_ROUTES)) router.add(prefix + path, methods)
  return router
}
