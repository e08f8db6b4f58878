import { Controller, Get, Logger, Module, NotFoundException } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ConfigModule, SettingsError } from '#libs/config'
import { TaskError } from '#libs/kernel'
import { AppLogger, LogContext, LoggingModule, loggingSettings } from '#libs/logging'
import { LogStream, type FileWriter } from './log-stream.js'

const lines: string[] = []
const recorder: FileWriter = {
  write: (_fd, chunk, done) => {
    lines.push(...chunk.toString().trimEnd().split('\n'))
    done(null, chunk.length)
  },
  writeSync: () => 0,
}
const written = () => lines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>)

@Controller('things')
class ThingController {
  @Get('one')
  one(): string {
    return 'one'
  }

  @Get('fails')
  fails(): never {
    throw new Error('defect')
  }

  @Get('none')
  none(): never {
    throw new NotFoundException()
  }
}

@Module({
  imports: [ConfigModule.forRoot([loggingSettings]), LoggingModule.forRoot({ service: 'sluice', version: '1.2.3' })],
  controllers: [ThingController],
})
class AppModule {}

/** One application for the file: nestjs-pino keeps the first logger of a process. */
async function createApp(): Promise<NestFastifyApplication> {
  vi.stubEnv('LOG_LEVEL', 'debug')
  vi.spyOn(LogStream.prototype, 'write').mockImplementation((line) => recorder.write(1, Buffer.from(line), () => undefined))
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { bufferLogs: true })
  app.useLogger(app.get(AppLogger))
  await app.listen(0, '127.0.0.1')
  onTestFinished(async () => {
    await app.close()
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })
  return app
}

describe(LoggingModule.name, () => {
  it('writes JSON lines with what every line has, the context of the work, and safe fields', async () => {
    const app = await createApp()
    const start = written()
    expect(start[0]).toMatchObject({ level: 'info', service: 'sluice', version: '1.2.3', context: 'NestFactory' })
    expect(Date.parse(String(start[0]!.timestamp))).toBeGreaterThan(0)

    const logger = new Logger('Example')
    app.get(LogContext).run({ tenant: 'acme', task_id: 't-1' }, () => {
      logger.log('the task was accepted', { size_bytes: 12, prompt: 'canary' })
      logger.error('it failed', { error: TaskError.unavailable('storage_unavailable', 'away', new Error('reset')) })
    })
    logger.warn(new Error('reset'))
    logger.debug('several', 'texts')
    logger.verbose('below the level')
    logger.fatal({ size_bytes: 3 })
    expect(written()).toMatchObject([
      {
        level: 'info',
        context: 'Example',
        tenant: 'acme',
        task_id: 't-1',
        message: 'the task was accepted',
        size_bytes: 12,
        prompt: '[hidden]',
      },
      {
        level: 'error',
        message: 'it failed',
        error: { name: 'TaskError', code: 'storage_unavailable', message: 'away', retryable: true, causes: ['Error: reset'] },
      },
      { level: 'warn', message: 'reset', error: { name: 'Error', message: 'reset' } },
      { level: 'debug', message: 'several', more: ['texts'], context: 'Example' },
      { level: 'fatal', message: 'no message', size_bytes: 3 },
    ])

    const url = await app.getUrl()
    await fetch(`${url}/things/one?token=canary`)
    await vi.waitUntil(() => lines.length === 1)
    expect(written()).toMatchObject([{ level: 'debug', message: 'http request', method: 'GET', path: '/things/one', status: 200 }])
    await fetch(`${url}/things/fails`, { headers: { authorization: 'canary' } })
    await vi.waitUntil(() => lines.length === 2)
    const failed = written()
    expect(failed).toMatchObject([
      { level: 'error', context: 'ExceptionsHandler', message: 'defect', error: { name: 'Error' } },
      { level: 'debug', message: 'http request failed', path: '/things/fails', status: 500, error: { name: 'Error' } },
    ])
    expect(JSON.stringify(failed)).not.toContain('canary')
  })
})

describe('loggingSettings', () => {
  it('has defaults and names what may be written', () => {
    expect(loggingSettings.parse({})).toEqual({ level: 'info', format: 'json', database: undefined, file: undefined })
    expect(loggingSettings.parse({ DATABASE_URL: 'postgres://ledger/one' }).database).toEqual({
      url: 'postgres://ledger/one',
      level: 'info',
      bufferBytes: 8_388_608,
      retentionDays: 14,
    })
    expect(loggingSettings.parse({ DATABASE_URL: 'postgres://a/b', LOG_DATABASE_URL: 'postgres://logs/one' }).database?.url).toBe(
      'postgres://logs/one',
    )
    expect(loggingSettings.parse({ DATABASE_URL: 'postgres://a/b', LOG_DATABASE: 'false' }).database).toBeUndefined()
    expect(loggingSettings.parse({ LOG_FILE: '/var/log/sluice.log' }).file).toEqual({
      path: '/var/log/sluice.log',
      maxBytes: 104_857_600,
      maxAgeDays: 1,
      totalBytes: 1_073_741_824,
    })
    expect(() => loggingSettings.parse({ LOG_LEVEL: 'loud', LOG_FORMAT: 'xml' })).toThrow(SettingsError)
    expect(() => loggingSettings.parse({ LOG_LEVEL: 'loud' })).toThrow('LOG_LEVEL: must be one of trace, debug')
  })
})
