import { Logger } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { AdmissionLoop } from '#libs/admission'
import { DatabaseLifecycle } from '#libs/db'
import { httpSettings, Lifecycle, type HttpSettings } from '#libs/health'
import { AppLogger, DebugSwitch } from '#libs/logging'
import { KafkaTransport, LedgerTransport, QueueEvents } from '#libs/queue'
import { OrphanSweeper, OutboxRelay, OutboxSweeper } from '#libs/tasks'
import { AdminServer } from './admin.server.js'
import { WorkerModule } from './worker.module.js'

/**
 * The running service.
 *
 * starting  health answers at once; PostgreSQL is prepared in the background, however long that takes; the transports start meanwhile,
 *           since neither takes anything before the ledger is there
 * running
 * stopping  not ready -> no new deliveries and no new claims, running calls may end -> results are published -> everything is closed
 */
export class Worker {
  private readonly logger = new Logger(Worker.name)
  private readonly starting = new AbortController()
  private stopped: Promise<void> | undefined
  private readonly admin: AdminServer

  private constructor(private readonly app: NestFastifyApplication) {
    this.admin = new AdminServer(app)
  }

  /** Wires everything; nothing runs yet. */
  static async create(): Promise<Worker> {
    const options = { bufferLogs: true, abortOnError: false }
    const app = await NestFactory.create<NestFastifyApplication>(WorkerModule, new FastifyAdapter(), options)
    app.useLogger(app.get(AppLogger))
    return new Worker(app)
  }

  /** Calls the listener when the service must not go on, though nobody has asked it to stop. */
  onFatal(listener: (error: Error) => void): void {
    this.app.get(QueueEvents).on('fatal', listener)
  }

  /** Rejects when the service must not start; everything is closed then. A stop may come at any time meanwhile. */
  async start(): Promise<void> {
    try {
      await this.run()
    } catch (error) {
      await this.stop('it could not start').catch(() => {})
      throw error
    }
  }

  private async run(): Promise<void> {
    const { app } = this
    for (const transport of [KafkaTransport, LedgerTransport])
      app.connectMicroservice({ strategy: app.get<KafkaTransport | LedgerTransport>(transport) })
    const { host, port } = app.get<HttpSettings>(httpSettings.KEY)
    await app.listen(port, host)
    await this.admin.start()
    const prepared = app.get(DatabaseLifecycle).start(this.starting.signal)
    await app.startAllMicroservices()
    void prepared.then(() => {
      app.get(AdmissionLoop).start()
      app.get(OutboxSweeper).start()
      app.get(OrphanSweeper).start()
    })
    this.logger.log('started', { url: await app.getUrl() })
  }

  /** Idempotent. Resolves when nothing runs any more. */
  stop(reason: string): Promise<void> {
    this.stopped ??= this.drain(reason)
    return this.stopped
  }

  /** A second signal: whoever asks twice does not want to wait for the grace period. */
  hurry(): void {
    this.app.get(LedgerTransport).abortRunning()
  }

  /** Everything at debug for a while, or back. */
  toggleDebug(): void {
    this.app.get(DebugSwitch).toggle()
  }

  private async drain(reason: string): Promise<void> {
    const { app } = this
    this.logger.log('stopping', { reason })
    this.starting.abort()
    app.get(Lifecycle).drain(reason)
    // What one of them meets must not keep the other, or the answers and results that wait, from an orderly end.
    const closed = await Promise.allSettled([app.get(KafkaTransport).close(), app.get(LedgerTransport).close()])
    await app.get(OrphanSweeper).stop()
    await app.get(OutboxSweeper).stop()
    await app.get(OutboxRelay).whenIdle()
    await this.admin.stop()
    await app.close()
    const failed = closed.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
