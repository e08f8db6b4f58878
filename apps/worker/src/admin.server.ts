import { Logger, type INestApplicationContext } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { AdminHttpModule, adminHttpSettings, type AdminHttpSettings } from '#libs/admin'
import { Readiness, StatusRegistry } from '#libs/health'
import { AuditLog, Clock } from '#libs/kernel'
import { AppLogger, LogLevels } from '#libs/logging'
import { BreakerBoard } from '#libs/resilience'
import { IDENTITY } from './identity.js'

const SHARED = [AuditLog, BreakerBoard, Clock, LogLevels, Readiness, StatusRegistry] as const
const MAX_BODY_BYTES = 64 * 1_024

/** The port for operators, where ADMIN_PORT names one. It sees the service that runs, and is closed after it. */
export class AdminServer {
  private readonly logger = new Logger(AdminServer.name)
  private app: NestFastifyApplication | undefined

  constructor(private readonly service: INestApplicationContext) {}

  async start(): Promise<void> {
    const settings = this.service.get<AdminHttpSettings>(adminHttpSettings.KEY)
    if (settings.port === undefined) return
    const services = SHARED.map((token) => ({ provide: token, useValue: this.service.get<object>(token as never) }))
    const module = AdminHttpModule.forRoot({ identity: IDENTITY, settings, services })
    const adapter = new FastifyAdapter({ bodyLimit: MAX_BODY_BYTES })
    this.app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
      abortOnError: false,
      logger: this.service.get(AppLogger),
    })
    await this.app.listen(settings.port, settings.host)
    this.logger.log('operators may come in', { url: await this.app.getUrl(), is_closed: settings.token === undefined })
  }

  async stop(): Promise<void> {
    await this.app?.close()
  }
}
