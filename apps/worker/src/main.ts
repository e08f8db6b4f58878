import 'reflect-metadata'
import { checkSettings, EXIT_CONFIG, SettingsError } from '#libs/config'
import { WORKER_SETTINGS } from './settings.js'
import { Worker } from './worker.js'

/** Whatever ends the process says why, on one line of JSON like any other log line. */
function die(message: string, error: unknown, code: number): never {
  const err = error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : { message: String(error) }
  process.stderr.write(`${JSON.stringify({ level: 'fatal', time: new Date().toISOString(), service: 'sluice', msg: message, err })}\n`)
  process.exit(code)
}

process.on('uncaughtException', (error) => die('an error that nobody handled ended the process', error, 1))
process.on('unhandledRejection', (error) => die('a rejection that nobody handled ended the process', error, 1))

/** Wrong settings are told as a list, without a stack. Files that they name (task types, templates, tenants) count as settings. */
function refuse(error: unknown): never {
  if (!(error instanceof SettingsError)) die('the service could not start', error, 1)
  process.stderr.write(`${error.message}\n`)
  process.exit(EXIT_CONFIG)
}

try {
  checkSettings(WORKER_SETTINGS, process.env)
} catch (error) {
  refuse(error)
}

const worker = await Worker.create().catch(refuse)
let signals = 0
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (++signals > 1) {
      worker.hurry()
      return
    }
    worker.stop(signal).then(
      () => process.exit(0),
      (error: unknown) => die('the service could not stop cleanly', error, 1),
    )
  })
}
// SIGUSR1 opens Node's inspector.
process.on('SIGUSR2', () => worker.toggleDebug())
worker.onFatal((cause) => void stopAfter(cause))

async function stopAfter(cause: Error): Promise<never> {
  await worker.stop(cause.message).catch(() => {})
  return die('the service cannot go on', cause, 1)
}
await worker.start().catch((error: unknown) => {
  // A stop that came during the start ends it as well; then the exit is the stop's.
  if (signals === 0) refuse(error)
})
