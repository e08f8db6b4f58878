import { Logger } from '@nestjs/common'
import { RotatingFileSink } from '../file/rotating-file.sink.js'
import type { LoggingSettings } from '../logging.settings.js'
import { LogLineStore } from '../postgres/log-line.store.js'
import { PostgresLogSink } from '../postgres/postgres-log.sink.js'
import { LogOutput, type LeveledSink } from './log-output.js'
import type { LogSinkName } from './log-sink.js'
import { StdoutSink } from './stdout.sink.js'

/** Every sink that the settings name. Nothing is opened before the first line. */
export function createLogOutput({ format, database, file }: LoggingSettings): LogOutput {
  const logger = new Logger(LogOutput.name)
  const sinks: LeveledSink[] = [{ sink: new StdoutSink(format) }]
  // Its line goes to the other sinks; one that goes into the sink itself is one more in a bounded buffer.
  const onChange = (sink: LogSinkName) => (error: Error | undefined) => {
    if (error) logger.warn('a log sink does not take lines: those that do not fit into its buffer are lost', { sink, error })
    else logger.log('a log sink takes lines again', { sink, dropped: sinks.find((route) => route.sink.name === sink)?.sink.dropped })
  }
  if (file) sinks.push({ sink: new RotatingFileSink({ ...file, onChange: onChange('file') }) })
  if (database) {
    const options = { maxWaiting: database.bufferBytes, onChange: onChange('postgres') }
    sinks.push({ sink: new PostgresLogSink(new LogLineStore(database), options), level: database.level })
  }
  return new LogOutput(sinks)
}
