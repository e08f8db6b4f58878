import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js'
import { describe, expect, it } from 'vitest'
import { HealthController } from '../../libs/health/src/health.controller.js'
import { ADMIN_POLICY } from '../../libs/admin/src/http/admin-policy.decorator.js'
import { AdminHttpModule } from '../../libs/admin/src/http/admin-http.module.js'
import { MetricsController } from '../../libs/metrics/src/metrics.controller.js'
import { listModules } from '../../tools/docs/module.tree.js'
import { WorkerModule } from '../../apps/worker/src/worker.module.js'

type Controller = new (...args: never[]) => object

interface Route {
  readonly route: string
  readonly policy: unknown
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']

/** Every route of a controller, with what it asks of its callers. */
function listRoutes(controller: Controller): Route[] {
  const prefix = String(Reflect.getMetadata(PATH_METADATA, controller))
  return Object.getOwnPropertyNames(controller.prototype).flatMap((name) => {
    const handler: unknown = (controller.prototype as Record<string, unknown>)[name]
    if (typeof handler !== 'function') return []
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as number | undefined
    if (method === undefined) return []
    const path = String(Reflect.getMetadata(PATH_METADATA, handler))
    return [
      {
        route: `${METHODS[method]} /${[prefix, path].filter((part) => part !== '/').join('/')}`,
        policy: Reflect.getMetadata(ADMIN_POLICY, handler),
      },
    ]
  })
}

const adminModule = AdminHttpModule.forRoot({
  identity: { service: 'sluice', version: '0' },
  settings: { host: '127.0.0.1', port: 0, token: undefined, heapToken: undefined },
  services: [],
})

const listControllers = (root: unknown) => listModules(root).flatMap(({ controllers }) => controllers as Controller[])

describe('routes', () => {
  it('have a policy each on the admin port', () => {
    const routes = listControllers(adminModule).flatMap(listRoutes)
    expect(routes.filter(({ policy }) => policy === undefined)).toEqual([])
    expect(Object.fromEntries(routes.map(({ route, policy }) => [route, policy]))).toEqual({
      'GET /health/details': 'status:read',
      'GET /log-levels': 'log-levels:read',
      'PUT /log-levels': 'log-levels:write',
      'DELETE /log-levels': 'log-levels:write',
      'POST /profiles/cpu': 'profile:cpu',
      'POST /profiles/heap': 'profile:heap',
    })
  })

  it('without a policy are health and metrics alone on the other port', () => {
    const controllers = listControllers(WorkerModule).filter((controller) => listRoutes(controller).length > 0)
    expect(new Set(controllers)).toEqual(new Set([HealthController, MetricsController]))
    expect(listRoutes(HealthController).map(({ route }) => route)).toEqual(['GET /health/live', 'GET /health/startup', 'GET /health/ready'])
  })
})
