import { Global, Module, type DynamicModule } from '@nestjs/common'
import { LoggerModule } from 'nestjs-pino'
import { SystemClock } from '#libs/kernel'
import { AppLogger } from './app-logger.js'
import { ContextInterceptor } from './context.interceptor.js'
import { DebugSwitch } from './levels/debug.switch.js'
import { LogLevels } from './levels/log-levels.js'
import { LogContext } from './log-context.js'
import { createLogOutput } from './sinks/create-log-output.js'
import { LogOutput } from './sinks/log-output.js'
import { LogMeter } from './sinks/log.meter.js'
import { logMetrics } from './sinks/log.metrics.js'
import { loggingSettings, type LoggingSettings } from './logging.settings.js'
import { makeHttpLogOptions } from './http-log.options.js'
import { makePinoLogger, type LogIdentity } from './pino-logger.js'

/** The default of nestjs-pino, `{/*splat}`, matches nothing on platform-fastify 12.5. */
const EVERY_ROUTE = '/{*splat}'

/**
 * JSON lines on stdout. The application starts with `bufferLogs: true` and `app.useLogger(app.get(AppLogger))`; everything else logs by
 * Nest's own `Logger`: one constant message, then an object of fields.
 */
@Global()
@Module({
  providers: [
    LogContext,
    ContextInterceptor,
    AppLogger,
    {
      provide: LogLevels,
      inject: [loggingSettings.KEY],
      useFactory: ({ level }: LoggingSettings) => new LogLevels(level, new SystemClock()),
    },
    { provide: DebugSwitch, inject: [LogLevels], useFactory: (levels: LogLevels) => new DebugSwitch(levels, new SystemClock()) },
    { provide: LogOutput, inject: [loggingSettings.KEY], useFactory: createLogOutput },
    ...logMetrics,
    LogMeter,
  ],
  exports: [LogContext, ContextInterceptor, AppLogger, LogOutput, LogLevels, DebugSwitch],
})
export class LoggingModule {
  static forRoot(identity: LogIdentity): DynamicModule {
    return {
      module: LoggingModule,
      imports: [
        LoggerModule.forRootAsync({
          inject: [LogContext, LogOutput, LogLevels],
          useFactory: (context: LogContext, { destination }: LogOutput, levels: LogLevels) => ({
            pinoHttp: makeHttpLogOptions(makePinoLogger({ ...identity, level: levels.base, destination, context }), levels),
            forRoutes: [EVERY_ROUTE],
          }),
        }),
      ],
    }
  }
}
